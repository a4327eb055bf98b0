import { setTimeout as sleep } from 'node:timers/promises';
import { useApp } from '../support/app';
import { expectActionError, expectCrudError, expectHeaders } from '../support/envelopes';

const app = useApp({ rows: 1, env: { MAX_EVENT_LOOP_DELAY_MS: '80' } });

/** Holds the event loop up again and again, as too many requests would. */
function busy(): () => void {
  let on = true;
  const turn = (): void => {
    const end = performance.now() + 250;
    while (performance.now() < end);
    if (on) setTimeout(turn, 1);
  };
  turn();
  return () => {
    on = false;
  };
}

test('a server that has too much to do turns requests away, and lets them in again', async () => {
  expect((await app.staff().rest('GET', '/v3/crud/event/')).status).toBe(200);
  const stop = busy();
  try {
    await sleep(1500);
    const crud = await app.staff().rest('GET', '/v3/crud/event/');
    expectCrudError(crud, 503, 'unavailable');
    const action = await app.staff().rest('GET', '/v3/action/hosted_file/hash/none/download');
    expectActionError(action, 503);
    const graphql = await app.staff().graphql('{ viewer { level } }');
    expect(graphql).toMatchObject({ status: 503, code: 'UNAVAILABLE' });
    const statements = await app.statementsOf(async () => {
      for (const answer of [crud, action, graphql, await app.staff().rest('GET', '/v3/crud/person/')]) {
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        expectHeaders(answer);
      }
    });
    expect(statements).toBe(0);
    // Who watches over it is answered.
    for (const path of ['/health', '/healthz', '/readyz', '/metrics'])
      expect((await app.nobody().rest('GET', path)).status).toBe(200);
  } finally {
    stop();
  }
  await sleep(1500);
  expect((await app.staff().rest('GET', '/v3/crud/event/')).status).toBe(200);
});

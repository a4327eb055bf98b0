import { useApp } from '../support/app';
import { expectCrudError } from '../support/envelopes';

const patient = useApp({ rows: 1, env: { ALLOW_TEST_DELAY: 'true' } });
const usual = useApp({ rows: 1 });

const took = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

test('an answer comes as late as it was asked for, and holds up nobody else', async () => {
  const event = patient.here.rows.event![0]!.id;
  for (const call of [
    () => patient.staff().call('GET', '/v3/crud/event/?delay_ms=400'),
    () => patient.staff().call('GET', `/v3/crud/event/${event}?delay_ms=400`),
    () => patient.staff().call('POST', '/v3/crud/event/search?delay_ms=400', {}),
    () => patient.staff().rest('POST', '/v3/crud/event/?delay_ms=400', { nonsense: 1 }),
    () => patient.staff().rest('GET', '/v3/crud/event/', undefined, { 'x-delay-ms': '400' }),
  ])
    expect(await took(call)).toBeGreaterThanOrEqual(395);
  let slowDone = false;
  const slow = patient
    .staff()
    .call('GET', '/v3/crud/event/?delay_ms=3000')
    .then(() => (slowDone = true));
  for (let i = 0; i < 5; i += 1) await patient.staff().call('GET', '/v3/crud/event/');
  expect(slowDone).toBe(false);
  await slow;
});

test('ten seconds are the most', async () => {
  for (const delay of ['10001', '-1', 'x', '1.5', '999999999999'])
    expectCrudError(await patient.staff().rest('GET', `/v3/crud/event/?delay_ms=${delay}`), 400);
  expect((await patient.staff().rest('GET', '/v3/crud/event/?delay_ms=0')).status).toBe(200);
});

test('a server that is not set up for it answers at once', async () => {
  const time = await took(() => usual.staff().call('GET', '/v3/crud/event/?delay_ms=5000'));
  expect(time).toBeLessThan(3000);
});

import { useApp } from '../support/app';

const app = useApp({ rows: 2 });
const open = useApp({ rows: 1, env: { METRICS: 'on' } });
const closed = useApp({ rows: 1, env: { METRICS: 'off' } });

const metrics = async (headers: Record<string, string> = {}) => {
  const answer = await app.nobody().fetch('/metrics', { headers });
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
};

/** How often requests of these labels were answered. */
async function countOf(labels: string): Promise<number> {
  const { text } = await metrics();
  const line = text
    .split('\n')
    .find((each) => each.startsWith(`aether_http_request_duration_seconds_count{${labels}}`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

test('tells Prometheus of the process, its requests and its statements, without a key', async () => {
  const { status, type, text } = await metrics();
  expect({ status, type }).toEqual({ status: 200, type: expect.stringMatching(/^text\/plain; .*version=/) });
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
  const statements = Number(/^aether_database_statements_total (\d+)$/m.exec(text)![1]);
  await app.staff().call('GET', '/v3/crud/event/');
  expect((await metrics()).text).not.toContain(`aether_database_statements_total ${statements}\n`);
});

test.each([
  ['graphql', 'POST', '/graphql', 200, () => app.staff().ask('{ events { totalCount } }')],
  ['crud', 'GET', '/v3/crud/{type}', 200, () => app.staff().rest('GET', '/v3/crud/event/?limit=1')],
  [
    'crud',
    'POST',
    '/v3/crud/{type}/search',
    200,
    () => app.staff().rest('POST', '/v3/crud/event/search', {}),
  ],
  ['crud', 'GET', '/v3/crud/{type}/{id}', 404, () => app.staff().rest('GET', '/v3/crud/event/not-there-000')],
  [
    'crud',
    'GET',
    '/v3/crud/{type}/{id}/{child}',
    200,
    () => app.staff().rest('GET', `/v3/crud/event/${app.here.rows.event![0]!.id}/event_session`),
  ],
  [
    'crud',
    'PATCH',
    '/v3/crud/{type}/{id}/{child}/{child_id}',
    404,
    () =>
      app.staff().rest('PATCH', `/v3/crud/event/${app.here.rows.event![0]!.id}/session/not-there-000`, {}),
  ],
  [
    'action',
    'GET',
    '/v3/action/hosted_file/{id}/download',
    404,
    () => app.staff().rest('GET', '/v3/action/hosted_file/not-there-000/download'),
  ],
  ['crud', 'GET', '/api/{type}/list', 200, () => app.staff().rest('GET', '/api/event/list?limit=1')],
  ['other', 'GET', '/health', 200, () => app.nobody().rest('GET', '/health')],
  ['other', 'GET', 'unknown', 404, () => app.nobody().rest('GET', '/wp-login.php?id=7')],
  ['crud', 'GET', 'unknown', 404, () => app.staff().rest('GET', '/v3/crud/a/b/c/d/e')],
] as const)(
  'a request is counted under its route, without ids: %s %s %s %i',
  async (door, method, route, status, call) => {
    const labels = `door="${door}",method="${method}",route="${route}",status="${status}"`;
    const before = await countOf(labels);
    await call();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await countOf(labels)).toBe(before + 1);
  },
);

test('what comes by a proxy is not from this machine', async () => {
  for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'])
    expect((await metrics({ [name]: '127.0.0.1' })).status).toBe(403);
});

test('is open to everybody, or to nobody, where it is set so', async () => {
  const proxied = { headers: { 'x-forwarded-for': '198.51.100.1' } };
  expect((await open.nobody().fetch('/metrics', proxied)).status).toBe(200);
  expect((await closed.nobody().fetch('/metrics')).status).toBe(404);
});

import { startFakeNovi } from '../../src/novi/fake-server';

const grace = '11111111-1111-4111-8111-111111111111';

test('only the right key is let in, and every request is kept until reset', async () => {
  const novi = await startFakeNovi({ apiKey: 'right' });
  const ask = (authorization?: string) =>
    fetch(`${novi.url}/customers/${grace}`, { headers: authorization ? { authorization } : {} });

  expect((await ask()).status).toBe(401);
  expect((await ask('Basic wrong')).status).toBe(401);
  expect((await ask(`Basic ${Buffer.from('right').toString('base64')}`)).status).toBe(401);
  const answer = await ask('Basic right');
  expect(await answer.json()).toMatchObject({ FirstName: 'Grace', Email: 'grace hopper@example.org' });

  expect(novi.requests).toHaveLength(4);
  expect(novi.requests[3]).toEqual({
    method: 'GET',
    path: `/customers/${grace}`,
    authorization: 'Basic right',
  });
  novi.reset();
  expect(novi.requests).toHaveLength(0);
  await novi.close();
});

test('a delay holds answers back', async () => {
  const novi = await startFakeNovi({ apiKey: 'right', delayMs: 120 });
  const started = Date.now();
  await fetch(novi.url);
  expect(Date.now() - started).toBeGreaterThanOrEqual(110);
  await novi.close();
});

test('it ends although a request waits for ever', async () => {
  const novi = await startFakeNovi({ apiKey: 'right' });
  const waiting = fetch(`${novi.url}/customers/66666666-6666-4666-8666-666666666666`, {
    headers: { authorization: 'Basic right' },
  }).catch(() => 'ended');
  while (novi.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await novi.close();
  expect(await waiting).toBe('ended');
});

test('a port that is taken is an error', async () => {
  const novi = await startFakeNovi({ apiKey: 'right' });
  await expect(startFakeNovi({ apiKey: 'right', port: novi.port })).rejects.toThrow('EADDRINUSE');
  await novi.close();
});

import { useApp } from '../support/app';
import { expectHeaders } from '../support/envelopes';
import { target } from '../support/jest-target';

const app = useApp({ rows: 1 });

test.each(['/health', '/healthz', '/readyz', '/health/'])(
  '%s tells how the server is, to anybody',
  async (path) => {
    const answer = await app.nobody().rest('GET', path);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      status: 'ok',
      database: 'ok',
      cache: 'ok',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      uptime_s: expect.any(Number),
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expectHeaders(answer);
  },
);

test('the database and the cache are those of this run', () => {
  expect(app.services.database.dialect).toBe(target === 'mariadb' ? 'mariadb' : 'sqlite');
  expect(app.services.cache.kind).toBe(target === 'mariadb' ? 'redis' : 'memory');
});

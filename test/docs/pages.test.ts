import type { AddressInfo } from 'node:net';
import { get, type Server } from 'node:http';
import express from 'express';
import { buildSchema } from 'graphql';
import { demo } from '../../seeders/demo';
import type { Config } from '../../src/config';
import { docsRouter } from '../../src/docs/router';
import { Caller } from '../support/callers';

const servers: Server[] = [];

async function serve(config: { production: boolean; demoData: boolean }): Promise<Caller> {
  const app = express()
    .disable('etag')
    .use(docsRouter(buildSchema('type Query { a: Int }'), config as Config));
  const server = app.listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return new Caller({ url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}` }, {});
}

/** Asked without `fetch`, which sends `no-cache` along with a tag. */
const statusOf = (path: string, headers: Record<string, string>): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const url = `http://127.0.0.1:${String((servers[0]!.address() as AddressInfo).port)}${path}`;
    get(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject);
  });

let development: Caller;
let production: Caller;
beforeAll(async () => {
  development = await serve({ production: false, demoData: true });
  production = await serve({ production: true, demoData: false });
});
afterAll(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});

const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

/** What a page loads. */
const loads = (page: string): string[] =>
  [...page.matchAll(/<(?:script|link)[^>]+(?:src|href)="([^"]+)"/g)].map(([, url]) => url!);

describe('the pages', () => {
  test.each(['/', '/docs', '/docs/access', '/graphiql'])(
    '%s loads files of this server alone, each with its type',
    async (path) => {
      const page = await development.fetch(path, { headers: html });
      expect(page.status).toBe(200);
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      const text = await page.text();
      expect(text).toMatch(/<title>Aether API/);
      expect(loads(text).length).toBeGreaterThan(1);
      for (const url of loads(text)) {
        expect(url).toMatch(/^\/assets\//);
        const file = await development.fetch(url);
        const type = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' }[url.split('.').at(-1)!];
        expect([url, file.status, file.headers.get('content-type')]).toEqual([
          url,
          200,
          expect.stringContaining(type!),
        ]);
        expect((await file.text()).length).toBeGreaterThan(100);
      }
    },
  );

  test.each(['/', '/docs', '/docs/migrate', '/graphiql'])(
    '%s runs no script but its own files, and stands in no frame',
    async (path) => {
      const { headers } = await development.fetch(path, { headers: html });
      const policy = new Map(
        headers
          .get('content-security-policy')!
          .split('; ')
          .map((directive) => directive.split(/ (.*)/) as [string, string]),
      );
      expect(policy.get('default-src')).toBe("'none'");
      expect(policy.get('script-src')).toBe("'self'");
      expect(policy.get('connect-src')).toBe("'self'");
      expect(policy.get('frame-ancestors')).toBe("'none'");
    },
  );

  test('files of packages are kept for good, and everything else is asked for again and not sent twice', async () => {
    const page = await (await development.fetch('/docs')).text();
    for (const url of [...loads(page), '/docs']) {
      const { headers } = await development.fetch(url);
      expect([url, headers.get('cache-control')]).toEqual([
        url,
        url.includes('@') ? 'public, max-age=31536000, immutable' : 'no-cache',
      ]);
      const again = await statusOf(url, { 'if-none-match': headers.get('etag')! });
      expect([url, again]).toEqual([url, 304]);
    }
  });

  test('nothing else of a package is served', async () => {
    for (const path of [
      '/assets/swagger-ui-dist@5.35.0/package.json',
      '/assets/../package.json',
      '/assets/%2e%2e/package.json',
    ])
      expect((await development.fetch(path)).status).toBe(404);
  });
});

describe('the start page', () => {
  test('tells programs in JSON, and people in HTML, where things are', async () => {
    const { headers, body } = await development.rest('GET', '/');
    expect(headers.get('vary')).toContain('Accept');
    expect(body.links).toEqual({
      graphiql: '/graphiql',
      graphql: '/graphql',
      rest: '/docs',
      access: '/docs/access',
      migration: '/docs/migrate',
      openapi: '/openapi.json',
      health: '/health',
    });
    const page = await (await development.fetch('/', { headers: html })).text();
    for (const path of Object.values(body.links)) expect(page).toContain(`href="${String(path)}"`);
  });
});

describe('in production', () => {
  test('there is no GraphiQL, and no link to it', async () => {
    expect((await production.fetch('/graphiql')).status).toBe(404);
    expect((await production.fetch('/assets/graphiql.js')).status).toBe(404);
    expect((await production.rest('GET', '/')).body.links).not.toHaveProperty('graphiql');
    expect((await production.fetch('/docs')).status).toBe(200);
  });

  test('no page knows a key', async () => {
    const migration = await (await production.fetch('/docs/migrate')).text();
    expect(migration).not.toMatch(/data-caller|data-ide/);
    expect(await (await development.fetch('/docs/migrate')).text()).toMatch(
      /data-caller.*data-ide|data-ide.*data-caller/,
    );
    expect(await (await development.fetch('/assets/docs.js')).text()).toContain(demo.trustedKey);
    expect(await (await production.fetch('/assets/docs.js')).text()).not.toContain(demo.trustedKey);
  });
});

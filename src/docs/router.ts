import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Router, type Response } from 'express';
import type { GraphQLSchema } from 'graphql';
import { demo } from '../../seeders/demo';
import type { Config } from '../config';
import { migrationPage as migrationPath } from '../legacy/routes';
import { packageRoot, version } from '../paths';
import { openApiText } from '../rest/openapi';
import { graphiqlAssets, swaggerUiAssets, type Asset } from './assets';
import { accessPage, docsPage, graphiqlPage, migrationPage, startPage, type Link } from './pages';
import { docsScript, graphiqlScript, icon, pagesStyle } from './texts';

/**
 * The pages for people: `/`, `/docs`, and `/graphiql` where it is not production; and `/openapi.json`. They need no key, and no
 * other host: everything that they load comes from here.
 */
export function docsRouter(schema: GraphQLSchema, { production, demoData }: Config): Router {
  const router = Router();
  const caller = demoData ? { key: demo.trustedKey, account: demo.account, event: demo.event } : undefined;
  const operator = demoData
    ? {
        ...{ key: demo.trustedKey, account: demo.account },
        ...{ site: demo.site, passcode: demo.passcodes.manager },
      }
    : undefined;
  const links = linksOf(production);

  const text = (path: string, type: string, body: () => string): void => {
    router.get(path, (_request, response) => {
      sendText(response.type(type), body());
    });
  };
  const page = (path: string, body: () => string, policy = pagePolicy()): void => {
    router.get(path, (_request, response) => {
      sendText(response.type('html').set('Content-Security-Policy', policy), body());
    });
  };
  const files = (assets: Record<string, Asset>): void => {
    for (const { url, etag, root, file } of Object.values(assets))
      router.get(url, (_request, response) => {
        response.set('ETag', etag).sendFile(file, { root, maxAge: '1y', immutable: true });
      });
  };

  router.get('/', (request, response, next) => {
    response.vary('Accept');
    // A program that takes anything gets JSON.
    if (request.accepts(['json', 'html']) === 'html') next();
    else response.json({ name: 'Aether API', version, links: pathsOf(links) });
  });
  page('/', () => startPage(links));
  text('/assets/pages.css', 'css', () => pagesStyle);
  text('/assets/icon.svg', 'svg', () => icon);

  text('/openapi.json', 'json', () => openApiText(schema));
  page('/docs', docsPage);
  page('/docs/access', accessPage);
  page(migrationPath, () => migrationPage(production ? undefined : '/graphiql', operator));
  for (const [file, type] of [
    ['migrate.js', 'js'],
    ['migrate.css', 'css'],
  ] as const) {
    const content = readFileSync(join(packageRoot, 'pages', file), 'utf8');
    text(`/assets/${file}`, type, () => content);
  }
  text('/assets/docs.js', 'js', () => docsScript(caller));
  files(swaggerUiAssets);

  if (production) return router;
  // The dialogs of GraphiQL bring a style element of their own.
  page('/graphiql', graphiqlPage, pagePolicy("'self' 'unsafe-inline'"));
  text('/assets/graphiql.js', 'js', () => graphiqlScript(caller));
  files(graphiqlAssets);
  return router;
}

const linksOf = (production: boolean): Link[] => [
  ...(production
    ? []
    : [
        {
          name: 'GraphiQL',
          path: '/graphiql',
          about: 'Write and run queries, and look up what there is. Works offline.',
        },
      ]),
  {
    name: 'GraphQL',
    path: '/graphql',
    about: `The graph itself.${production ? '' : ' A browser gets Apollo Sandbox, which needs the internet.'}`,
  },
  { name: 'REST', path: '/docs', about: 'The older API, to read and to try out. Works offline.' },
  {
    name: 'Access',
    path: '/docs/access',
    about: 'Who may do what, by level and type; what is secret or masked.',
  },
  {
    name: 'Migration',
    path: migrationPath,
    about: 'Which programs still call what is deprecated, and what replaces it.',
  },
  { name: 'OpenAPI', path: '/openapi.json', about: 'The same for programs.' },
  { name: 'Health', path: '/health', about: 'How the server is.' },
];

const pathsOf = (links: Link[]): Record<string, string> =>
  Object.fromEntries(links.map(({ name, path }) => [name.toLowerCase(), path]));

/** What a page may do: load from this origin and call it, and nothing else. */
const pagePolicy = (styles = "'self'"): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${styles}`,
    "img-src 'self' data:",
    'font-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/** Express compares the tag with what the browser has, and answers 304 when it is the same. */
function sendText(response: Response, body: string): void {
  const tag = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  response.set({ ETag: `"${tag}"`, 'Cache-Control': 'no-cache' }).send(body);
}

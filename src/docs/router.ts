import { createHash } from 'node:crypto';
import { Router, type Response } from 'express';
import type { GraphQLSchema } from 'graphql';
import { demo } from '../../seeders/demo';
import type { Config } from '../config';
import { version } from '../paths';
import { openApiText } from '../rest/openapi';
import { graphiqlAssets, swaggerUiAssets, type Asset } from './assets';
import { docsPage, graphiqlPage, pagePolicy, startPage, type Link } from './pages';
import { docsScript, graphiqlScript, icon, pagesStyle } from './texts';

/**
 * The pages for people: `/`, `/docs`, and `/graphiql` where it is not production; and `/openapi.json`. They need no key, and no
 * other host: everything that they load comes from here.
 */
export function docsRouter(schema: GraphQLSchema, { production, demoData }: Config): Router {
  const router = Router();
  const caller = demoData ? { key: demo.trustedKey, account: demo.account, event: demo.event } : undefined;
  const links = production ? productionLinks : [...productionLinks, ...developmentLinks];

  const text = (path: string, type: string, body: () => string): void => {
    router.get(path, (_request, response) => {
      if (type === 'html') response.set('Content-Security-Policy', pagePolicy);
      sendText(response.type(type), body());
    });
  };
  const files = (assets: Record<string, Asset>): void => {
    for (const { url, etag, root, file } of Object.values(assets))
      router.get(url, (_request, response) => {
        response.set('ETag', etag).sendFile(file, { root, maxAge: '1y', immutable: true });
      });
  };

  router.get('/', (request, response) => {
    response.vary('Accept');
    // A program that takes anything gets JSON.
    if (request.accepts(['json', 'html']) === 'html')
      sendText(response.type('html').set('Content-Security-Policy', pagePolicy), startPage(links));
    else
      response.json({
        name: 'Aether API',
        version,
        links: Object.fromEntries(links.map(({ name, path }) => [name, path])),
      });
  });
  text('/assets/pages.css', 'css', () => pagesStyle);
  text('/assets/icon.svg', 'svg', () => icon);

  text('/openapi.json', 'json', () => openApiText(schema));
  text('/docs', 'html', docsPage);
  text('/assets/docs.js', 'js', () => docsScript(caller));
  files(swaggerUiAssets);

  if (production) return router;
  text('/graphiql', 'html', graphiqlPage);
  text('/assets/graphiql.js', 'js', () => graphiqlScript(caller));
  files(graphiqlAssets);
  return router;
}

const productionLinks: Link[] = [
  { name: 'GraphQL', path: '/graphql', about: 'The graph: everything there is, in one place.' },
  { name: 'REST', path: '/docs', about: 'The older API, to read and to try out.' },
  { name: 'OpenAPI', path: '/openapi.json', about: 'The same for programs.' },
  { name: 'Health', path: '/health', about: 'How the server is.' },
];
const developmentLinks: Link[] = [
  { name: 'GraphiQL', path: '/graphiql', about: 'Queries to write, run and look up; works offline.' },
];

/** Express compares the tag with what the browser has, and answers 304 when it is the same. */
function sendText(response: Response, body: string): void {
  const tag = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  response.set({ ETag: `"${tag}"`, 'Cache-Control': 'no-cache' }).send(body);
}

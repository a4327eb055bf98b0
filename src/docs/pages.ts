import { version } from '../paths';
import { accessBody } from './access';
import { graphiqlAssets, swaggerUiAssets } from './assets';

export interface Link {
  name: string;
  path: string;
  about: string;
}

export const startPage = (links: Link[]): string =>
  page({
    title: 'Aether API',
    body: `<main class="start">
  <h1>Aether API</h1>
  <p>Version ${version}</p>
  <ul>
    ${links.map(({ name, path, about }) => `<li><a href="${path}"><b>${name}</b> <code>${path}</code></a><br>${about}</li>`).join('\n    ')}
  </ul>
</main>`,
  });

export const docsPage = (): string =>
  page({
    title: 'Aether API: REST',
    styles: [swaggerUiAssets.style.url],
    body: '<div id="docs"></div>',
    scripts: [swaggerUiAssets.script.url, '/assets/docs.js'],
  });

export const accessPage = (): string => page({ title: 'Aether API: who may do what', body: accessBody() });

/** @param ide where the IDE is, if there is one; @param caller who is filled in */
export const migrationPage = (ide: string | undefined, caller?: Operator): string =>
  page({
    title: 'Aether API: leave the old API',
    styles: ['/assets/migrate.css'],
    body: `<main id="migrate" class="migrate"${ide ? ` data-ide="${ide}"` : ''}${caller ? ` data-caller="${escaped(JSON.stringify(caller))}"` : ''}><noscript>This page needs JavaScript.</noscript></main>`,
    scripts: ['/assets/migrate.js'],
  });

export const graphiqlPage = (): string =>
  page({
    title: 'Aether API: GraphiQL',
    styles: [graphiqlAssets.style.url],
    body: '<div id="graphiql"></div>',
    scripts: [
      graphiqlAssets.react.url,
      graphiqlAssets.reactDom.url,
      graphiqlAssets.script.url,
      '/assets/graphiql.js',
    ],
  });

/** Who signs in to the page of old calls. */
export interface Operator {
  key: string;
  account: string;
  site: string;
  passcode: string;
}

/** Within an attribute. */
const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${String(character.charCodeAt(0))};`);

interface Page {
  title: string;
  body: string;
  styles?: string[];
  scripts?: string[];
}

const page = ({ title, body, styles = [], scripts = [] }: Page): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="/assets/icon.svg">
${[...styles, '/assets/pages.css'].map((url) => `<link rel="stylesheet" href="${url}">`).join('\n')}
</head>
<body>
${body}
${scripts.map((url) => `<script src="${url}"></script>`).join('\n')}
</body>
</html>
`;

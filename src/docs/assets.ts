import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A file of a package, and where pages find it. */
export interface Asset {
  /** Names the version, so that browsers may keep the file for good. */
  url: string;
  etag: string;
  root: string;
  file: string;
}

const swaggerUi = require.resolve('swagger-ui-dist/package.json');
const graphiql = require.resolve('graphiql/package.json');
const react = require.resolve('react/package.json');
const reactDom = require.resolve('react-dom/package.json');

export const swaggerUiAssets = {
  style: asset(swaggerUi, 'swagger-ui.css'),
  script: asset(swaggerUi, 'swagger-ui-bundle.js'),
};

export const graphiqlAssets = {
  style: asset(graphiql, 'graphiql.min.css'),
  react: asset(react, 'umd/react.production.min.js'),
  reactDom: asset(reactDom, 'umd/react-dom.production.min.js'),
  script: asset(graphiql, 'graphiql.min.js'),
};

function asset(manifest: string, file: string): Asset {
  const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as { name: string; version: string };
  return { url: `/assets/${name}@${version}/${file}`, etag: `"${version}"`, root: dirname(manifest), file };
}

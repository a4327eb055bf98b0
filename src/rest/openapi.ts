import type { GraphQLSchema } from 'graphql';
import { version } from '../paths';
import { allEntities } from '../kernel/entity';
import { actionPaths } from './openapi-actions';
import { crudPaths, parametersOf } from './openapi-crud';
import { failureResponses } from './openapi-failures';
import { legacyParameters, legacyPaths, legacyTags } from './openapi-legacy';
import { recordResponses, schemasOf } from './openapi-schemas';

const description = `
Every call names its program by an API key (\`x-aether-api-key\`) and its tenant by an account (\`x-account-id\`, or the account of
a bearer token). A call without an account sees nothing of any tenant; a search of \`site_domain\` by \`fqdn\` is how a browser
finds its own.

- **Ids** are opaque, 11 to 22 URL-safe characters. A record carries its own as \`id\`, \`T_id\` and \`T_id_random\`, and each
  reference as \`X_id\` and \`X_id_random\`. Bodies and searches take any spelling.
- **Answers** are \`{ data, meta }\`. A CRUD call that fails has \`data: false\` and says why in \`meta.details\`; an action that
  fails answers \`{ detail }\`. A wrong verb is 405, with \`Allow\`.
- **Paths** end with or without a slash. At a nested path a child may leave out its parent's name: \`event/{parent_id}/session\`.
- **Moments** are UTC. \`*_json\` fields are answered as JSON, and taken as JSON or as a string that holds JSON.
- **Deprecated** paths of older generations are answered by what replaces them; \`Deprecation\`, \`Sunset\` and \`Link\` tell since when,
  until when, and what that is. One that is switched off is 410.
- **GraphQL** at \`/graphql\` does all of this and more; \`x-graphql-operation\` names the operation that a call becomes.
`.trim();

/** The REST surface as an OpenAPI 3.1 document, made of the declarations that make its routes. */
export function openApiOf(schema: GraphQLSchema): object {
  const entities = allEntities();
  return {
    openapi: '3.1.0',
    info: { title: 'Aether API', version, description },
    security: [{ key: [], account: [] }, { key: [], token: [] }, { key: [] }],
    tags: [
      ...entities.map(({ table, description }) => ({ name: table, description })),
      { name: 'actions', description: 'What is more than reading and writing one record.' },
      { name: 'health', description: 'How the server is.' },
      ...legacyTags,
    ],
    paths: { ...crudPaths(schema, entities), ...actionPaths(), ...legacyPaths() },
    components: {
      securitySchemes,
      parameters: { ...parametersOf(schema, entities), ...legacyParameters() },
      schemas: schemasOf(schema, entities),
      responses: { ...recordResponses(entities), ...failureResponses() },
    },
  };
}

const securitySchemes = {
  key: { type: 'apiKey', in: 'header', name: 'x-aether-api-key', description: 'Which program is calling.' },
  account: {
    type: 'apiKey',
    in: 'header',
    name: 'x-account-id',
    description:
      'Which tenant it is about: id of the account. Not needed with a token, or with a key of one account.',
  },
  token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'Who is calling. Without it a call has the level of its key.',
  },
};

const texts = new WeakMap<GraphQLSchema, string>();

/** The document as JSON, made once. */
export function openApiText(schema: GraphQLSchema): string {
  const text = texts.get(schema) ?? JSON.stringify(openApiOf(schema));
  texts.set(schema, text);
  return text;
}

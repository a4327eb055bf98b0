import { allEntities } from '../kernel/entity';
import { legacyRoutes, type Generation, type LegacyRoute } from '../legacy/routes';
import { actionPaths } from './openapi-actions';
import { header, listParameters, parameterRef, parameterRefs, query } from './openapi-crud';
import { failuresOf, responseRef } from './openapi-failures';
import { schemaRef, type JsonSchema } from './openapi-shared';

export const legacyTags = [
  { name: 'V3, deprecated', description: 'What has found another place in this generation.' },
  { name: 'V2, deprecated', description: 'Records of the generation before this one.' },
  { name: 'V1, deprecated', description: 'Records and actions of the first generation.' },
];

const flag = { type: 'boolean' };
const on = { type: 'boolean', default: true };
const alternative = { type: 'string', default: 'default' };

/** What old routes take, by the names under which operations refer to it; and what `/v3/crud` takes as well. */
export const legacyParameters = (): Record<string, JsonSchema> => ({
  ...Object.fromEntries(legacyRoutes.map((route) => [typeName(route), typeParameter(route)])),
  legacy_order_by_li: header(
    'order_by_li',
    'Fields to sort by, most important first, as in `{"start_datetime":"ASC","name":"DESC"}`.',
    { type: 'string' },
  ),
  jp: query(
    'jp',
    'JSON: the body of a search as `/v3/crud` takes it, or fields with the values that they must have, as in `{"code":"A1"}`; of a list of values any one.',
    { type: 'string', contentMediaType: 'application/json' },
  ),
  by_alias: query(
    'by_alias',
    'False: a record has its own id as `id` and `id_random`, not under the name of its type. So do the records in it.',
    on,
  ),
  exclude_unset: query('exclude_unset', 'True: fields that hold nothing are left out.', flag),
  exclude_none: query('exclude_none', 'The same as `exclude_unset`.', flag),
  return_meta: query('return_meta', 'False: what succeeds is answered as `data` alone, without `meta`.', on),
  tbl_alt: query('tbl_alt', 'Any but `default`: the view `alt`.', alternative),
  mdl_alt: query('mdl_alt', 'Any but `default`: the view `alt`.', alternative),
  use_alt_tbl: query('use_alt_tbl', 'True: the view `alt`.', flag),
  use_alt_mdl: query('use_alt_mdl', 'True: the view `alt`.', flag),
  use_alt_table: query('use_alt_table', 'True: the view `alt`.', flag),
  use_alt_base: query('use_alt_base', 'True: the view `alt`.', flag),
  legacy_parts: {
    ...query('parts', 'Parts of the record that are answered beside it, `inc_` before their names.', {
      type: 'object',
      additionalProperties: flag,
    }),
    style: 'form',
    explode: true,
  },
});

/** Some routes are not of all types. */
const typeName = ({ ofTypes }: LegacyRoute): string =>
  ['legacy_type', ...(ofTypes?.except ?? [])].join('_but_');

const typeParameter = ({ ofTypes }: LegacyRoute): JsonSchema => ({
  name: 'type',
  in: 'path',
  required: true,
  description: 'Type of the records, with the fields that `/v3/crud` tells of.',
  schema: {
    type: 'string',
    enum: allEntities().flatMap(({ table }) => (ofTypes?.except.includes(table) ? [] : [table])),
  },
});

const refs = (...names: string[]): JsonSchema[] => names.map(parameterRef);

/** How a record is answered. */
const shapeOf = (generation: Generation): JsonSchema[] => [
  ...(generation === 'v1'
    ? refs('use_alt_table', 'use_alt_base')
    : refs('tbl_alt', 'mdl_alt', 'use_alt_tbl', 'use_alt_mdl')),
  ...refs('legacy_parts'),
];

const styles = refs('by_alias', 'exclude_unset', 'exclude_none', 'return_meta');

/**
 * The routes of the older API. Those of any type stand here once, with the type as a parameter: once for each type they would make
 * the document twice as long, and tell nothing that `/v3/crud` does not.
 */
export function legacyPaths(): Record<string, JsonSchema> {
  const paths: Record<string, JsonSchema> = {};
  const actions = actionPaths();
  for (const route of legacyRoutes) {
    const { method, path, becomes } = route;
    const [verb = '', place = ''] = becomes.split(' ');
    const action = actions[place]?.[verb.toLowerCase()] as JsonSchema | undefined;
    const operation = route.gone ? goneOperation() : action ? asAction(route, action) : asCrud(route);
    (paths[path] ??= {})[method.toLowerCase()] = {
      ...operation,
      operationId: `legacy_${method.toLowerCase()}${path.replace(/\W+/g, '_').replace(/_$/, '')}`,
      tags: [`${route.generation.toUpperCase()}, deprecated`],
      summary: route.summary,
      description: `Replaced by \`${becomes}\`.`,
      deprecated: true,
      ...(route.operation !== undefined && { 'x-graphql-operation': route.operation }),
      'x-sunset': route.sunset.toISOString().slice(0, 10),
    };
  }
  return paths;
}

const goneOperation = (): JsonSchema => ({ responses: failuresOf('Action', 'old') });

/** The action that replaces it, with what it takes in a body taken from the query where there is none. */
function asAction(
  { method }: LegacyRoute,
  { parameters, requestBody, responses, ...rest }: JsonSchema,
): JsonSchema {
  const { schema } = (requestBody as Body | undefined)?.content['application/json'] ?? {};
  const sent = Object.entries(schema?.properties ?? {}).map(([name, property]) =>
    query(name, String(property.description ?? name), property),
  );
  return {
    ...rest,
    parameters: [...((parameters as JsonSchema[] | undefined) ?? []), ...sent],
    ...(method !== 'GET' &&
      requestBody !== undefined && { requestBody: { ...requestBody, required: false } }),
    responses: { ...(responses as object), 410: responseRef('ActionGone') },
  };
}

interface Body {
  content: { 'application/json': { schema: { properties: Record<string, JsonSchema> } } };
}

function asCrud(route: LegacyRoute): JsonSchema {
  const { method, path, generation, search: by } = route;
  const type = refs(typeName(route));
  const always = [...styles, ...parameterRefs('explain', 'delay_ms')];
  const fails = (...when: ('body' | 'once' | 'version')[]) => failuresOf('Crud', 'old', ...when);
  if (by)
    return {
      parameters: [
        { ...query(by.by, `The ${by.field} of the user.`, { type: 'string' }), required: true },
        ...shapeOf(generation),
        ...always,
      ],
      responses: { 200: responseRef('LegacyList'), ...fails() },
    };
  if (path.endsWith('/list'))
    return {
      parameters: [
        ...type,
        ...refs('jp', 'legacy_order_by_li', 'q'),
        ...listParameters.filter(({ $ref }) => $ref !== parameterRef('order_by_li').$ref),
        ...shapeOf(generation),
        ...always,
      ],
      responses: { 200: responseRef('LegacyList'), ...fails() },
    };
  if (method === 'GET')
    return {
      parameters: [...type, ...parameterRefs('id', 'if_none_match'), ...shapeOf(generation), ...always],
      responses: { 200: responseRef('Legacy'), 304: responseRef('NotModified'), ...fails() },
    };
  const written = { 200: responseRef('LegacyWritten') };
  if (method === 'DELETE')
    return {
      parameters: [...type, ...parameterRefs('id', 'method', 'return_obj', 'if_match'), ...always],
      responses: { ...written, ...fails('version') },
    };
  const requestBody = {
    required: true,
    content: { 'application/json': { schema: schemaRef('LegacyInput'), example: { name: 'A name' } } },
  };
  const isNew = method === 'POST';
  return {
    parameters: [
      ...type,
      ...(isNew ? parameterRefs('idempotency_key') : parameterRefs('id', 'if_match')),
      ...parameterRefs('return_obj', 'ignore_extra_fields'),
      ...always,
    ],
    requestBody,
    responses: { ...written, ...fails('body', isNew ? 'once' : 'version') },
  };
}

import type { GraphQLSchema } from 'graphql';
import { snakeCase } from '../kernel/attributes';
import type { Entity } from '../kernel/entity';
import { EnabledFilter, HiddenFilter, RemoveMethod } from '../kernel/input-types';
import type { Level } from '../kernel/levels';
import type { ToMany } from '../kernel/registry';
import { failuresOf, responseRef } from './openapi-failures';
import { changedRecord, newRecord, partsOf } from './openapi-schemas';
import { schemaRef, type JsonSchema } from './openapi-shared';
import { relationsOf } from './request';
import { views } from './views';

const id = { type: 'string', minLength: 11, maxLength: 22 };

export const query = (name: string, description: string, schema: JsonSchema): JsonSchema => ({
  name,
  in: 'query',
  description,
  schema,
});

export const header = (name: string, description: string, schema: JsonSchema): JsonSchema => ({
  name,
  in: 'header',
  description,
  schema,
});

/** The parameters that types share, by the names under which operations refer to them. */
const shared = {
  id: { name: 'id', in: 'path', required: true, description: 'Id of the record.', schema: id },
  parent_id: { name: 'parent_id', in: 'path', required: true, description: 'Id of the parent.', schema: id },
  enabled: query('enabled', 'Which by their switch `enable`.', {
    type: 'string',
    enum: Object.values(EnabledFilter),
    default: EnabledFilter.ENABLED,
  }),
  hidden: query('hidden', 'Which by their mark `hide`.', {
    type: 'string',
    enum: Object.values(HiddenFilter),
    default: HiddenFilter.NOT_HIDDEN,
  }),
  limit: query('limit', 'At most so many; a long list is streamed.', {
    type: 'integer',
    minimum: 0,
    maximum: 999_999,
    default: 100,
  }),
  offset: query('offset', 'Leave out so many.', {
    type: 'integer',
    minimum: 0,
    maximum: 999_999_999,
    default: 0,
  }),
  order_by_li: query(
    'order_by_li',
    'Fields to sort by, most important first, as in `{"start_datetime":"ASC","name":"DESC"}`. Unless given: priority, sort, name.',
    { type: 'string' },
  ),
  q: query('q', 'Only those in which each of these words is found, or begins one.', { type: 'string' }),
  for_obj_type: query('for_obj_type', 'Only what belongs to an object of this type; with `for_obj_id`.', {
    type: 'string',
  }),
  for_obj_id: query('for_obj_id', 'Id of that object.', id),
  method: query('method', 'How to remove it.', {
    type: 'string',
    enum: Object.values(RemoveMethod),
    default: RemoveMethod.HIDE,
  }),
  return_obj: query('return_obj', 'False: `data` is just the id.', { type: 'boolean', default: true }),
  view: query(
    'view',
    'How much of a record: `enriched` adds counts, `detail` the objects that it refers to as well; `alt` is without what comes from elsewhere. Another word is `default`, with a warning.',
    { type: 'string', enum: views, default: 'default' },
  ),
  variant: query('variant', 'Of a record as it is answered, as it may be written, or as it is stored.', {
    type: 'string',
    enum: ['out', 'in', 'base'],
    default: 'out',
  }),
  explain: query(
    'explain',
    '`graphql`: answers the operation that the call becomes, instead of running it. Also by `X-Explain`.',
    {
      type: 'string',
      enum: ['graphql'],
    },
  ),
  delay_ms: query(
    'delay_ms',
    'Answer so many milliseconds late, where the server is set up for tests. Also by `X-Delay-ms`.',
    { type: 'integer', minimum: 0, maximum: 10_000, default: 0 },
  ),
  ignore_extra_fields: header(
    'x-ae-ignore-extra-fields',
    'True: fields that the type does not have are left out instead of refused.',
    { type: 'boolean', default: false },
  ),
  idempotency_key: header(
    'Idempotency-Key',
    'The same again within a day gets the first answer, marked by `Idempotent-Replayed`; with another body it is a conflict.',
    { type: 'string', minLength: 1, maxLength: 255 },
  ),
  if_match: header('If-Match', 'Only when the record still has this ETag.', { type: 'string' }),
  if_none_match: header('If-None-Match', 'Not when the record still has this ETag.', { type: 'string' }),
} satisfies Record<string, JsonSchema>;

/** The parameters of all operations: those that types share, and for each its parts. */
export const parametersOf = (schema: GraphQLSchema, entities: Entity[]): Record<string, JsonSchema> => ({
  ...shared,
  ...Object.fromEntries(
    entities
      .map((entity) => [entity, partsOf(schema, entity)] as const)
      .filter(([, parts]) => parts.length > 0)
      .map(([{ table }, parts]) => [
        `parts_of_${table}`,
        {
          ...query(
            'parts',
            'Parts of the record that are answered beside it, each by a parameter of its own.',
            {
              type: 'object',
              properties: Object.fromEntries(
                parts.map(([key, { description }]) => [`inc_${key}`, { type: 'boolean', description }]),
              ),
            },
          ),
          style: 'form',
          explode: true,
        },
      ]),
  ),
});

export const parameterRef = (name: string): JsonSchema => ({ $ref: `#/components/parameters/${name}` });

export const parameterRefs = (...names: (keyof typeof shared)[]): JsonSchema[] => names.map(parameterRef);

export const listParameters = parameterRefs(
  'limit',
  'offset',
  'order_by_li',
  'enabled',
  'hidden',
  'for_obj_type',
  'for_obj_id',
);

/** The operations of every type, and those of every type below its parents. */
export function crudPaths(schema: GraphQLSchema, entities: Entity[]): Record<string, JsonSchema> {
  // A path goes along the first of several connections between the same two types.
  const relations = entities.flatMap((entity) => [...relationsOf(entity)].reverse());
  const hasParts = new Map(entities.map((entity) => [entity, partsOf(schema, entity).length > 0]));
  const shapes = (entity: Entity): JsonSchema[] => [
    ...parameterRefs('view'),
    ...(hasParts.get(entity) ? [parameterRef(`parts_of_${entity.table}`)] : []),
  ];
  return Object.assign(
    {},
    ...entities.map((entity) => pathsOf(entity, shapes(entity))),
    ...relations.map((relation) => pathsOf(relation.child, shapes(relation.child), relation)),
  ) as Record<string, JsonSchema>;
}

function pathsOf(entity: Entity, shapes: JsonSchema[], relation?: ToMany): Record<string, JsonSchema> {
  const { table, name, single, plural, access } = entity;
  const parent = relation?.parent;
  const base = `/v3/crud/${parent ? `${parent.table}/{parent_id}/` : ''}${table}`;
  const list = relation ? `query ${relation.parent.single} { ${relation.field} }` : `query ${plural}`;
  const one = words(single);
  const many = words(plural);
  const operation = operationsOf(entity, parent);
  const listed = [
    ...(entity.attributes.has('defaultQryStr') ? parameterRefs('q') : []),
    ...listParameters,
    ...shapes,
  ];
  const parents = parent && { parameters: parameterRefs('parent_id') };

  const writes = (level: Level | 'never', told: Omit<Told, 'level'>): JsonSchema | undefined =>
    level === 'never' ? undefined : operation({ ...told, level });

  return {
    [`${base}/`]: {
      ...parents,
      get: operation({
        verb: 'list',
        summary: `List ${many}`,
        graphql: list,
        level: access.read,
        parameters: listed,
        answer: `${name}List`,
      }),
      post: writes(access.create, {
        verb: 'create',
        summary: `Create one ${one}`,
        graphql: `mutation create${name}`,
        parameters: parameterRefs('return_obj', 'ignore_extra_fields', 'idempotency_key'),
        body: newRecord(entity, relation?.attribute),
        answer: `${name}Written`,
        failures: ['once'],
      }),
    },
    [`${base}/search`]: {
      ...parents,
      post: operation({
        verb: 'search',
        summary: `Search ${many}`,
        graphql: list,
        level: access.read,
        parameters: listed,
        body: search,
        answer: `${name}List`,
      }),
    },
    ...(access.create !== 'never' && {
      [`${base}/validate`]: {
        ...parents,
        post: writes(access.create, {
          verb: 'validate',
          summary: `Try to create one ${one}, and write nothing`,
          graphql: `mutation validate${name}`,
          parameters: parameterRefs('ignore_extra_fields'),
          body: newRecord(entity, relation?.attribute),
          answer: 'Valid',
        }),
      },
    }),
    [`${base}/schema`]: {
      ...parents,
      get: operation({
        verb: 'describe',
        summary: `Describe what ${many} are made of`,
        graphql: 'query __type',
        level: 'anonymous',
        parameters: [...shapes, ...parameterRefs('variant')],
        answer: 'TypeSchema',
      }),
    },
    [`${base}/{id}`]: {
      parameters: [...(parents?.parameters ?? []), ...parameterRefs('id')],
      get: operation({
        verb: 'get',
        summary: `Read one ${one}`,
        graphql: relation ? list : `query ${single}`,
        level: access.read,
        parameters: [...shapes, ...parameterRefs('if_none_match')],
        answer: name,
        known: true,
      }),
      patch: writes(access.update, {
        verb: 'update',
        summary: `Change one ${one}`,
        graphql: `mutation update${name}`,
        parameters: parameterRefs('return_obj', 'ignore_extra_fields', 'if_match'),
        body: changedRecord(entity),
        answer: `${name}Written`,
        failures: ['version'],
      }),
      delete: writes(access.update, {
        verb: 'remove',
        summary: `Remove one ${one}`,
        more: ` To delete it for good: ${access.remove}.`,
        graphql: `mutation remove${name}`,
        parameters: parameterRefs('method', 'return_obj', 'if_match'),
        answer: `${name}Written`,
        failures: ['version'],
      }),
    },
  };
}

interface Told {
  verb: string;
  summary: string;
  /** The operation of the graph that it becomes. */
  graphql: string;
  level: Level;
  /** What its description says beside the level. */
  more?: string;
  parameters: JsonSchema[];
  body?: JsonSchema;
  /** Name of the answer. */
  answer: string;
  /** How it can fail that others cannot. */
  failures?: ('once' | 'version')[];
  /** May the caller have the answer already? */
  known?: boolean;
}

const operationsOf =
  ({ table }: Entity, parent?: Entity) =>
  ({
    verb,
    summary,
    graphql,
    level,
    more = '',
    parameters,
    body,
    answer,
    failures = [],
    known,
  }: Told): JsonSchema => ({
    operationId: `${verb}_${table}${parent ? `_of_${parent.table}` : ''}`,
    tags: [table],
    summary: parent ? `${summary} of one ${words(parent.single)}` : summary,
    description: `Needs level ${level}.${more}`,
    'x-graphql-operation': graphql,
    parameters: [...parameters, ...parameterRefs('explain', 'delay_ms')],
    ...(body && { requestBody: { required: true, content: { 'application/json': body } } }),
    responses: {
      200: responseRef(answer),
      ...(known && { 304: responseRef('NotModified') }),
      ...failuresOf('Crud', ...(body ? (['body'] as const) : []), ...failures),
    },
  });

const search = {
  schema: schemaRef('Search'),
  example: { and: [{ field: 'updated_on', op: 'gte', value: '2026-01-01T00:00:00Z' }] },
};

const words = (name: string): string => snakeCase(name).replaceAll('_', ' ');

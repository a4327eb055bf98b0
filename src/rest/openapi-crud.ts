import { snakeCase } from '../kernel/attributes';
import type { Entity } from '../kernel/entity';
import { EnabledFilter, HiddenFilter, RemoveMethod } from '../kernel/input-types';
import { toManys, type ToMany } from '../kernel/registry';
import { failuresOf, responseRef } from './openapi-failures';
import { changedRecord, newRecord } from './openapi-schemas';
import { schemaRef, type JsonSchema } from './openapi-shared';

const id = { type: 'string', minLength: 11, maxLength: 22 };

const query = (name: string, description: string, schema: JsonSchema): JsonSchema => ({
  name,
  in: 'query',
  description,
  schema,
});

/** The parameters of all operations, by the names under which they refer to them. */
export const parameters = {
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
  ignore_extra_fields: {
    name: 'x-ae-ignore-extra-fields',
    in: 'header',
    description: 'True: fields that the type does not have are left out instead of refused.',
    schema: { type: 'boolean', default: false },
  },
} satisfies Record<string, JsonSchema>;

const parameterRefs = (...names: (keyof typeof parameters)[]): JsonSchema[] =>
  names.map((name) => ({ $ref: `#/components/parameters/${name}` }));

const listParameters = parameterRefs(
  'q',
  'limit',
  'offset',
  'order_by_li',
  'enabled',
  'hidden',
  'for_obj_type',
  'for_obj_id',
);

/** The six operations of every type, and those of every type below its parents. */
export function crudPaths(entities: Entity[]): Record<string, JsonSchema> {
  // A path goes along the first of several connections between the same two types.
  const relations = entities.flatMap((entity) => toManys(entity).reverse());
  return Object.assign(
    {},
    ...entities.map((entity) => pathsOf(entity)),
    ...relations.map((relation) => pathsOf(relation.child, relation)),
  ) as Record<string, JsonSchema>;
}

function pathsOf(entity: Entity, relation?: ToMany): Record<string, JsonSchema> {
  const { table, name, single, plural, access } = entity;
  const parent = relation?.parent;
  const base = `/v3/crud/${parent ? `${parent.table}/{parent_id}/` : ''}${table}`;
  const list = relation ? `query ${relation.parent.single} { ${relation.field} }` : `query ${plural}`;
  const one = words(single);
  const many = words(plural);
  const operation = operationsOf(entity, parent);
  const parents = parent && { parameters: parameterRefs('parent_id') };

  return {
    [`${base}/`]: {
      ...parents,
      get: operation({
        verb: 'list',
        summary: `List ${many}`,
        graphql: list,
        level: access.read,
        parameters: listParameters,
        answer: `${name}List`,
      }),
      ...(access.create !== 'never' && {
        post: operation({
          verb: 'create',
          summary: `Create one ${one}`,
          graphql: `mutation create${name}`,
          level: access.create,
          parameters: parameterRefs('return_obj', 'ignore_extra_fields'),
          body: newRecord(entity, relation?.attribute),
          answer: `${name}Written`,
        }),
      }),
    },
    [`${base}/search`]: {
      ...parents,
      post: operation({
        verb: 'search',
        summary: `Search ${many}`,
        graphql: list,
        level: access.read,
        parameters: listParameters,
        body: search,
        answer: `${name}List`,
      }),
    },
    [`${base}/{id}`]: {
      parameters: [...(parents?.parameters ?? []), ...parameterRefs('id')],
      get: operation({
        verb: 'get',
        summary: `Read one ${one}`,
        graphql: `query ${single}`,
        level: access.read,
        answer: name,
      }),
      ...(access.update !== 'never' && {
        patch: operation({
          verb: 'update',
          summary: `Change one ${one}`,
          graphql: `mutation update${name}`,
          level: access.update,
          parameters: parameterRefs('return_obj', 'ignore_extra_fields'),
          body: changedRecord(entity),
          answer: `${name}Written`,
        }),
        delete: operation({
          verb: 'remove',
          summary: `Remove one ${one}`,
          graphql: `mutation remove${name}`,
          level: `${access.update}, and ${access.remove} to delete it for good`,
          parameters: parameterRefs('method', 'return_obj'),
          answer: `${name}Written`,
        }),
      }),
    },
  };
}

interface Told {
  verb: string;
  summary: string;
  /** The operation of the graph that it becomes. */
  graphql: string;
  level: string;
  parameters?: JsonSchema[];
  body?: JsonSchema;
  /** Name of the answer. */
  answer: string;
}

const operationsOf =
  ({ table }: Entity, parent?: Entity) =>
  ({ verb, summary, graphql, level, parameters, body, answer }: Told): JsonSchema => ({
    operationId: `${verb}_${table}${parent ? `_of_${parent.table}` : ''}`,
    tags: [table],
    summary: parent ? `${summary} of one ${words(parent.single)}` : summary,
    description: `Needs level ${level}.`,
    'x-graphql-operation': graphql,
    ...(parameters && { parameters }),
    ...(body && { requestBody: { required: true, content: { 'application/json': body } } }),
    responses: { 200: responseRef(answer), ...failuresOf('Crud', { writes: body !== undefined }) },
  });

const search = {
  schema: schemaRef('Search'),
  example: { and: [{ field: 'updated_on', op: 'gte', value: '2026-01-01T00:00:00Z' }] },
};

const words = (name: string): string => snakeCase(name).replaceAll('_', ' ');

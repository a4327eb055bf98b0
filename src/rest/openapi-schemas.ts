import { isNonNullType, isObjectType, type GraphQLSchema } from 'graphql';
import type { Attribute } from '../kernel/attributes';
import { graphType, type Entity } from '../kernel/entity';
import { isWritable } from '../kernel/input-types';
import { targetsOf } from '../kernel/registry';
import { spellings } from './documents';
import { schemaRef, sharedSchemas, type JsonSchema } from './openapi-shared';
import { relationsOf } from './request';
import { requiredOf } from './values';
import { attributesOf, childrenOf, keyOf, objectsOf, plain, type Shape } from './views';

/** By scalar of the graph. */
const shapes: Record<string, JsonSchema> = {
  ID: { type: 'string', minLength: 11, maxLength: 22 },
  String: { type: 'string' },
  Boolean: { type: 'boolean' },
  Int: { type: 'integer', format: 'int32' },
  SafeInt: { type: 'integer', format: 'int64' },
  Float: { type: 'number', format: 'double' },
  DateTime: { type: 'string', format: 'date-time' },
  // Any JSON at all.
  JSON: {},
};

const shapeOf = ({ kind }: Attribute, nullable: boolean): JsonSchema => {
  const shape = shapes[graphType(kind).name] ?? {};
  return nullable && 'type' in shape ? { ...shape, type: [shape.type, 'null'] } : shape;
};

/** The schemas of records, of what views add to them, of what may be written of them, and those that all share. */
export const schemasOf = (schema: GraphQLSchema, entities: Entity[]): Record<string, JsonSchema> => ({
  ...sharedSchemas(),
  ...Object.fromEntries(
    entities.flatMap((entity) => [
      [entity.name, recordOf(schema, entity)],
      [`${entity.name}View`, viewOf(schema, entity)],
      [`${entity.name}Input`, inputOf(entity)],
    ]),
  ),
});

/** A record is what the prepared documents select; the graph describes it. */
export function recordOf(schema: GraphQLSchema, entity: Entity, shape = plain): JsonSchema {
  const type = schema.getType(entity.name);
  const fields = isObjectType(type) ? type.getFields() : {};
  const properties: Record<string, JsonSchema> = {};
  for (const attribute of attributesOf(entity, shape)) {
    const field = fields[attribute.name];
    for (const key of spellings(entity, attribute))
      properties[key] = {
        ...shapeOf(attribute, !field || !isNonNullType(field.type)),
        description: describe(key, field?.description ?? ''),
      };
  }
  for (const one of objectsOf(entity, shape))
    properties[keyOf(one)] = {
      anyOf: [...targetsOf(one.attribute).map(({ name }) => schemaRef(name)), { type: 'null' }],
      description: `What \`${one.attribute.column}\` refers to; null when there is none, or it is not for you to see.`,
    };
  for (const [key, { child }] of childrenOf(entity, shape))
    properties[key] = {
      type: ['array', 'null'],
      items: schemaRef(child.name),
      description: `The first thousand; null when they are not for you to see.`,
    };
  return { type: 'object', description: entity.description, properties };
}

/** All that a record may be answered with. */
const fullShape = (entity: Entity): Shape => ({
  view: 'detail',
  parts: relationsOf(entity).map(({ child }) => `${child.table}_list`),
});

/** The parts of a record that are answered when they are asked for. */
export const partsOf = (schema: GraphQLSchema, entity: Entity): [key: string, JsonSchema][] => {
  const usual = recordOf(schema, entity).properties as object;
  const all = recordOf(schema, entity, fullShape(entity)).properties as Record<string, JsonSchema>;
  return Object.entries(all).filter(([key]) => !(key in usual));
};

const viewOf = (schema: GraphQLSchema, entity: Entity): JsonSchema => ({
  description: 'The record, and what `view` or `inc_*` bring along.',
  allOf: [schemaRef(entity.name)],
  type: 'object',
  properties: Object.fromEntries(partsOf(schema, entity)),
});

/** What may be written of a record. */
export function inputOf(entity: Entity): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const attribute of entity.attributes.values()) {
    if (!isWritable(attribute)) continue;
    const { kind, max, doc } = attribute;
    const shape =
      kind === 'json'
        ? schemaRef('JsonInput')
        : { ...shapeOf(attribute, true), ...(max && { maxLength: max }) };
    for (const key of spellings(entity, attribute))
      properties[key] = { ...shape, description: describe(key, doc) };
  }
  return { type: 'object', description: `What may be written of: ${entity.description}`, properties };
}

const describe = (key: string, description: string): string =>
  key.endsWith('_random') ? `The same as \`${key.slice(0, -'_random'.length)}\`.` : description;

/**
 * The body of a create: an input in which something must be given, in any of its spellings.
 * @param parent the attribute that the path gives already
 */
export function newRecord(entity: Entity, parent?: Attribute): JsonSchema {
  const required = requiredOf(entity, parent);
  const input = schemaRef(`${entity.name}Input`);
  const given = required.map((attribute) => ({
    anyOf: spellings(entity, attribute).map((key) => ({ required: [key] })),
  }));
  return {
    schema: given.length > 0 ? { allOf: [input, ...given] } : input,
    example: {
      ...Object.fromEntries(required.map((attribute) => [attribute.column, sampleOf(attribute)])),
      ...(entity.attributes.has('name') && { name: 'A name' }),
    },
  };
}

/** The body of an update. */
export const changedRecord = (entity: Entity): JsonSchema => ({
  schema: schemaRef(`${entity.name}Input`),
  example: entity.attributes.has('name') ? { name: 'Another name' } : {},
});

const sampleOf = ({ kind, max = 0 }: Attribute): string => {
  if (kind === 'ref' || kind === 'anyId') return 'aB3dE5fG7hJ';
  if (kind === 'hash') return '0'.repeat(max);
  return kind === 'anyType' ? 'event' : 'text';
};

const jsonAnswer = (
  description: string,
  data: JsonSchema,
  meta: string,
  required = ['data', 'meta'],
): JsonSchema => ({
  description,
  content: {
    'application/json': {
      schema: {
        type: 'object',
        required,
        properties: { data: { anyOf: [data, schemaRef('Explanation')] }, meta: schemaRef(meta) },
      },
    },
  },
});

/** The answers with one record, with one that was written, and with many; and those without any. */
export const recordResponses = (entities: Entity[]): Record<string, JsonSchema> => ({
  ...Object.fromEntries(
    entities.flatMap(({ name }) => Object.entries(answersWith(name, name, `${name}View`))),
  ),
  // An old route leaves out `meta` where it is asked to.
  ...answersWith('Legacy', 'LegacyObject', 'LegacyObject', ['data']),
  Valid: jsonAnswer('The record could be made.', { const: true }, 'Meta'),
  TypeSchema: jsonAnswer(
    'The columns of the table, and the fields of its records.',
    schemaRef('TypeSchema'),
    'Meta',
  ),
  NotModified: { description: 'The record is as the caller has it.', headers: { ETag: etag } },
});

function answersWith(
  name: string,
  record: string,
  full: string,
  required?: string[],
): Record<string, JsonSchema> {
  const view = schemaRef(full);
  const written = {
    anyOf: [schemaRef(record), { type: 'string', description: 'Its id, with `return_obj=false`.' }],
  };
  return {
    [name]: { ...jsonAnswer('The record.', view, 'Meta', required), headers: { ETag: etag } },
    [`${name}Written`]: jsonAnswer('The record as it is now.', written, 'Meta', required),
    [`${name}List`]: jsonAnswer('The records.', { type: 'array', items: view }, 'ListMeta', required),
  };
}

const etag = {
  description: 'Version of the record, for `If-Match` and `If-None-Match`.',
  schema: { type: 'string' },
};

import { isNonNullType, isObjectType, Kind, parse, type GraphQLSchema } from 'graphql';
import type { Attribute } from '../kernel/attributes';
import { graphType, type Entity } from '../kernel/entity';
import { isRequired, isWritable } from '../kernel/input-types';
import { fieldsOf, spellings } from './documents';
import { schemaRef, sharedSchemas, type JsonSchema } from './openapi-shared';

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

/** The schemas of records, of what may be written of them, and those that all share. */
export const schemasOf = (schema: GraphQLSchema, entities: Entity[]): Record<string, JsonSchema> => ({
  ...sharedSchemas(),
  ...Object.fromEntries(
    entities.flatMap((entity) => [
      [entity.name, recordOf(schema, entity)],
      [`${entity.name}Input`, inputOf(entity)],
    ]),
  ),
});

/** A record is what the prepared documents select; the graph describes it. */
function recordOf(schema: GraphQLSchema, entity: Entity): JsonSchema {
  const type = schema.getType(entity.name);
  const fields = isObjectType(type) ? type.getFields() : {};
  const [document] = parse(`{ ${fieldsOf(entity)} }`, { noLocation: true }).definitions;
  const selections = document?.kind === Kind.OPERATION_DEFINITION ? document.selectionSet.selections : [];
  const properties: Record<string, JsonSchema> = {};
  for (const selection of selections) {
    if (selection.kind !== Kind.FIELD) continue;
    const { alias, name } = selection;
    const attribute = entity.attributes.get(name.value);
    const field = fields[name.value];
    if (alias && attribute && field)
      properties[alias.value] = {
        ...shapeOf(attribute, !isNonNullType(field.type)),
        description: describe(alias.value, field.description ?? ''),
      };
  }
  return { type: 'object', description: entity.description, properties };
}

function inputOf(entity: Entity): JsonSchema {
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
  const required = [...entity.attributes.values()].filter(
    (attribute) =>
      isRequired(attribute) && attribute !== parent && attribute.name !== parent?.any?.typeAttribute,
  );
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

const jsonAnswer = (description: string, data: JsonSchema, meta: string): JsonSchema => ({
  description,
  content: {
    'application/json': {
      schema: { type: 'object', required: ['data', 'meta'], properties: { data, meta: schemaRef(meta) } },
    },
  },
});

/** The answers with one record, with one that was written, and with many. */
export const recordResponses = (entities: Entity[]): Record<string, JsonSchema> =>
  Object.fromEntries(
    entities.flatMap(({ name }) => {
      const record = schemaRef(name);
      const written = {
        oneOf: [record, { type: 'string', description: 'Its id, with `return_obj=false`.' }],
      };
      return [
        [name, jsonAnswer('The record.', record, 'Meta')],
        [`${name}Written`, jsonAnswer('The record as it is now.', written, 'Meta')],
        [`${name}List`, jsonAnswer('The records.', { type: 'array', items: record }, 'ListMeta')],
      ];
    }),
  );

import {
  isInputObjectType,
  isNonNullType,
  isObjectType,
  getNamedType,
  Kind,
  parse,
  type GraphQLInputFieldMap,
  type GraphQLOutputType,
  type GraphQLInputType,
  type GraphQLSchema,
} from 'graphql';
import type { Attribute } from '../kernel/attributes';
import type { Entity } from '../kernel/entity';
import { isRequired } from '../kernel/input-types';
import { fieldsOf, spellings } from './documents';

export type JsonSchema = Record<string, unknown>;

export const schemaRef = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

const shapes: Record<string, JsonSchema> = {
  ID: { type: 'string', minLength: 11, maxLength: 22 },
  String: { type: 'string' },
  Boolean: { type: 'boolean' },
  Int: { type: 'integer', format: 'int32' },
  SafeInt: { type: 'integer', format: 'int64' },
  DateTime: { type: 'string', format: 'date-time' },
  // Any JSON at all.
  JSON: {},
};

function shapeOf(type: GraphQLOutputType | GraphQLInputType): JsonSchema {
  const shape = shapes[getNamedType(type).name];
  if (!shape) throw new Error(`REST has no spelling of ${String(type)}`);
  return 'type' in shape && !isNonNullType(type) ? { ...shape, type: [shape.type, 'null'] } : shape;
}

/** The schemas of records, of what may be written of them, and those that all share. */
export const schemasOf = (schema: GraphQLSchema, entities: Entity[]): Record<string, JsonSchema> => ({
  ...shared(),
  ...Object.fromEntries(
    entities.flatMap((entity) => [
      [entity.name, recordOf(schema, entity)],
      [`${entity.name}Input`, inputOf(schema, entity)],
    ]),
  ),
});

/** A record is what the prepared documents select. */
function recordOf(schema: GraphQLSchema, entity: Entity): JsonSchema {
  const type = schema.getType(entity.name);
  const [selection] = parse(`{ ${fieldsOf(entity)} }`, { noLocation: true }).definitions;
  if (!isObjectType(type) || selection?.kind !== Kind.OPERATION_DEFINITION) return {};
  const fields = type.getFields();
  const properties: Record<string, JsonSchema> = {};
  for (const selected of selection.selectionSet.selections) {
    if (selected.kind !== Kind.FIELD) continue;
    const field = fields[selected.name.value];
    const key = selected.alias?.value ?? selected.name.value;
    if (field) properties[key] = { ...shapeOf(field.type), description: describe(key, field.description) };
  }
  return { type: 'object', description: entity.description, properties };
}

function inputOf(schema: GraphQLSchema, entity: Entity): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const { name, type, description } of Object.values(inputFields(schema, `Update${entity.name}Input`))) {
    const attribute = entity.attributes.get(name);
    if (!attribute) continue;
    const shape =
      attribute.kind === 'json'
        ? schemaRef('JsonInput')
        : { ...shapeOf(type), ...(attribute.max && { maxLength: attribute.max }) };
    for (const key of spellings(entity, attribute))
      properties[key] = { ...shape, description: describe(key, description) };
  }
  return { type: 'object', description: `What may be written of: ${entity.description}`, properties };
}

const describe = (key: string, description?: string | null): string | undefined =>
  key.endsWith('_random')
    ? `The same as \`${key.slice(0, -'_random'.length)}\`.`
    : (description ?? undefined);

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
    example: Object.fromEntries([
      ...required.map((attribute) => [attribute.column, sampleOf(attribute)]),
      ...(entity.attributes.has('name') ? [['name', 'A name']] : []),
    ]) as JsonSchema,
  };
}

const sampleOf = ({ kind, max = 0 }: Attribute): string => {
  if (kind === 'ref' || kind === 'anyId') return 'aB3dE5fG7hJ';
  if (kind === 'hash') return '0'.repeat(max);
  return kind === 'anyType' ? 'event' : 'text';
};

function inputFields(schema: GraphQLSchema, name: string): GraphQLInputFieldMap {
  const type = schema.getType(name);
  return isInputObjectType(type) ? type.getFields() : {};
}

const nullable = (schema: JsonSchema): JsonSchema => ({ ...schema, type: [schema.type, 'null'] });
const count = { type: 'integer', minimum: 0 };

const shared = (): Record<string, JsonSchema> => ({
  JsonInput: {
    description: 'JSON, or a string that holds JSON.',
    anyOf: [
      { type: ['object', 'array', 'number', 'boolean', 'null'] },
      { type: 'string', contentMediaType: 'application/json' },
    ],
  },
  Meta: {
    type: 'object',
    required: ['status_code', 'status_name', 'status_message', 'success', 'details'],
    properties: {
      status_code: { type: 'integer' },
      status_name: { type: 'string' },
      status_message: { type: 'string' },
      success: { type: 'boolean' },
      details: { description: 'What was wrong; null when nothing was.' },
      warnings: {
        type: 'array',
        items: { type: 'string' },
        description: 'What of the request was left out.',
      },
    },
  },
  ListMeta: {
    allOf: [schemaRef('Meta')],
    type: 'object',
    properties: {
      count: { ...count, description: 'How many are in this answer.' },
      total: { ...count, description: 'How many there are.' },
      limit: count,
      offset: count,
    },
  },
  CrudError: {
    type: 'object',
    required: ['data', 'meta'],
    properties: { data: { const: false }, meta: schemaRef('Meta') },
  },
  ActionError: {
    type: 'object',
    required: ['detail'],
    properties: {
      detail: {
        oneOf: [
          { type: 'string' },
          {
            type: 'array',
            items: {
              type: 'object',
              properties: {
                loc: { type: 'array', items: { type: 'string' } },
                msg: { type: 'string' },
                type: { type: 'string' },
              },
            },
          },
        ],
      },
    },
  },
  Search: {
    description: 'All that is given must hold.',
    allOf: [schemaRef('SearchGroup')],
    type: 'object',
    properties: {
      q: nullable({ type: 'string', description: 'Words that the search text holds, every one of them.' }),
    },
  },
  SearchGroup: {
    type: 'object',
    properties: {
      and: nullable({ type: 'array', items: schemaRef('SearchItem') }),
      or: nullable({ type: 'array', items: schemaRef('SearchItem') }),
      not: schemaRef('SearchItem'),
    },
  },
  SearchItem: { anyOf: [schemaRef('SearchFilter'), schemaRef('SearchGroup')] },
  SearchFilter: {
    type: 'object',
    required: ['field'],
    properties: {
      field: { type: 'string', description: 'Any field of the record.' },
      op: {
        enum: operators,
        default: 'eq',
        description: '`like` takes your own `%`; `match` is `contains`.',
      },
      value: {
        description:
          'What to compare with: a list for `in` and `not_in`, nothing for `is_null` and `is_not_null`.',
      },
    },
  },
});

/** What a search compares with; a test asks the server for the same list. */
const operators =
  'eq ne gt gte lt lte in not_in is_null is_not_null like contains match startswith endswith'.split(' ');

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

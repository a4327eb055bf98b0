export type JsonSchema = Record<string, unknown>;

export const schemaRef = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

const nullable = (schema: JsonSchema): JsonSchema => ({ ...schema, type: [schema.type, 'null'] });
const count = { type: 'integer', minimum: 0 };

/** The schemas that all types share. */
export const sharedSchemas = (): Record<string, JsonSchema> => ({
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
  Explanation: {
    type: 'object',
    description:
      'With `explain=graphql`: the operation of the graph that the call becomes, instead of its result.',
    required: ['operation', 'variables'],
    properties: {
      operation: { type: 'string', description: 'For `POST /graphql`.' },
      variables: { type: 'object' },
    },
  },
  TypeSchema: {
    type: 'object',
    required: ['object_type', 'view', 'variant', 'columns', 'fields'],
    properties: {
      object_type: { type: 'string' },
      view: { type: 'string' },
      variant: { type: 'string' },
      columns: {
        type: 'object',
        description: 'The columns of the table, by name.',
        additionalProperties: {
          type: 'object',
          required: ['type'],
          properties: {
            type: { type: 'string' },
            max: { ...count, description: 'Longest text, in characters.' },
            nullable: { type: 'boolean' },
            references: { type: 'string', description: 'The type whose records it refers to.' },
          },
        },
      },
      fields: { type: 'object', description: 'JSON Schema of a record.' },
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
      code: { type: 'string', description: 'Of a route that is gone or switched off.' },
      replacement: { type: 'string', description: 'What replaces such a route: method and path.' },
      operation: { type: 'string', description: 'The operation of the graph that does the same.' },
    },
  },
  LegacyObject: {
    type: 'object',
    description: 'A record, as `/v3/crud` describes those of its type.',
    required: ['id'],
    properties: { id: { type: 'string', minLength: 11, maxLength: 22 } },
  },
  LegacyInput: {
    type: 'object',
    description: 'What may be written of a record, as `/v3/crud` describes it of its type.',
  },
  Search: {
    description: 'All that is given must hold.',
    allOf: [schemaRef('SearchGroup')],
    type: 'object',
    properties: {
      q: nullable({ type: 'string', description: 'Words that are all found, or begin one that is.' }),
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

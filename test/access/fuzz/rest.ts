import fc, { type Arbitrary } from 'fast-check';
import { anything, idOf, moment, mostly, number, text, written, type Ids } from './values';

/** A call to be sent. */
export interface Request {
  method: string;
  path: string;
  headers: [string, string][];
  body?: string | Buffer;
}

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  format?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

interface Parameter {
  $ref?: string;
  name: string;
  in: 'query' | 'header' | 'path';
  schema: Schema;
}

interface Operation {
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

export interface OpenApi {
  paths: Record<string, Record<string, Operation> & { parameters?: Parameter[] }>;
  components: { parameters: Record<string, Parameter>; schemas: Record<string, Schema> };
}

const verbs = ['get', 'post', 'patch', 'delete'];
const anyTypes = ['event', 'event_session', 'person', 'site', 'journal', 'hosted_file', 'no_such_type'];

/** Every call that the document describes, as it describes it, and then not quite. */
export function documented(document: OpenApi, ids: Ids): Arbitrary<Request> {
  const { schemas, parameters } = document.components;
  const known = new Map<Schema, Arbitrary<unknown>>();

  function meant(schema: Schema, name: string, depth: number): Arbitrary<unknown> {
    if (depth > 6) return fc.constant(null);
    if (schema.$ref !== undefined) return resolved(schemas[lastOf(schema.$ref)]!, depth);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices) return fc.oneof(...choices.map((each) => meant(each, name, depth)));
    if (schema.allOf) return fc.oneof(...schema.allOf.map((each) => meant(each, name, depth)));
    if (schema.enum) return fc.constantFrom(...schema.enum);
    if (schema.const !== undefined) return fc.constant(schema.const);
    const types = [schema.type ?? 'any'].flat();
    return fc.oneof(...types.map((type) => ofType(type, schema, name, depth)));
  }

  function ofType(type: string, schema: Schema, name: string, depth: number): Arbitrary<unknown> {
    const { properties = {}, required = [], additionalProperties, items = {}, format } = schema;
    switch (type) {
      case 'null':
        return fc.constant(null);
      case 'boolean':
        return fc.constantFrom<unknown>(true, false, 0, 1, 'true');
      case 'integer':
      case 'number':
        return number;
      case 'array':
        return fc.array(valueOf(items, name, depth + 1), { maxLength: 4 });
      case 'object':
        if (Object.keys(properties).length > 0) return record(properties, required, depth);
        return additionalProperties ? fc.dictionary(fc.string(), anything, { maxKeys: 3 }) : anything;
      case 'string':
        if (/_id(?:_random)?$|^id$/.test(name)) return idOf(ids, name.replace(/_id(?:_random)?$/, ''));
        if (format === 'date-time') return moment;
        if (name === 'for_obj_type') return fc.constantFrom(...Object.keys(ids));
        return text;
      default:
        return anything;
    }
  }

  /** What is needed of a record, mostly, and some of the rest. */
  function record(properties: Record<string, Schema>, required: string[], depth: number): Arbitrary<unknown> {
    const member = ([key, each]: [string, Schema]) =>
      fc.tuple(fc.constant(key), valueOf(each, key, depth + 1));
    const entries = Object.entries(properties);
    const needed = entries.filter(([key]) => required.includes(key)).map(member);
    const strange = fc.tuple(text, anything);
    return fc
      .tuple(
        mostly(fc.constant(true), 15),
        fc.tuple(...needed),
        fc.array(
          fc.oneof(
            { weight: 20, arbitrary: fc.oneof(...entries.map(member)) },
            { weight: 1, arbitrary: strange },
          ),
          {
            maxLength: 6,
          },
        ),
      )
      .map(([complete, must, may]) => Object.fromEntries([...(complete === true ? must : []), ...may]));
  }

  const valueOf = (schema: Schema, name: string, depth: number): Arbitrary<unknown> =>
    mostly(meant(schema, name, depth), 20);

  function resolved(schema: Schema, depth: number): Arbitrary<unknown> {
    if (depth > 0) return meant(schema, '', depth + 1);
    const found = known.get(schema) ?? meant(schema, '', 1);
    known.set(schema, found);
    return found;
  }

  /** The columns of the type that a path is about. */
  function columnsOf(parts: readonly string[]): string[] {
    const type = parts.filter((part) => Object.hasOwn(ids, part)).at(-1) ?? 'event';
    const name = type.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return Object.keys(schemas[name]?.properties ?? { name: {} });
  }

  function callOf(
    method: string,
    path: string,
    operation: Operation,
    shared: Parameter[],
  ): Arbitrary<Request> {
    const given = [...shared, ...(operation.parameters ?? [])].map((each) =>
      each.$ref === undefined ? each : parameters[lastOf(each.$ref)]!,
    );
    const parts = path.split('/').slice(1);
    const columns = columnsOf(parts);
    const asText = ({ name, schema }: Parameter) => {
      const value = name === 'order_by_li' ? orderBy(columns) : meant(schema, name, 0);
      const inText = mostly(value, 8).map((each) => (typeof each === 'string' ? each : JSON.stringify(each)));
      return fc.tuple(fc.constant(name), inText);
    };
    const listOf = (place: Parameter['in']) => given.filter((each) => each.in === place).map(asText);
    const query = fc.oneof(
      fc.constant([]),
      fc.array(fc.oneof(...listOf('query'), fc.tuple(text, text)), { maxLength: 4 }),
    );
    const headers = listOf('header');
    const pathOf = fc.tuple(
      ...parts.map((part, index) => {
        if (!part.startsWith('{')) return fc.constant(part);
        const name = part.slice(1, -1);
        const type = /^(?:id|parent_id|child_id)$/.test(name) ? parts[index - 1]! : name;
        return idOf(ids, type).map(encoded);
      }),
    );
    const schema = operation.requestBody?.content['application/json']?.schema;
    const sensible = parts.at(-1) === 'search' ? searchIn(columns, ids, 0) : schema && meant(schema, '', 0);
    const body = sensible ? written(mostly(sensible, 15)) : fc.constant(undefined);
    return fc
      .tuple(
        pathOf,
        query,
        headers.length > 0 ? fc.array(fc.oneof(...headers), { maxLength: 2 }) : fc.constant([]),
        body,
      )
      .map(([way, asked, more, sent]) => ({
        method: method.toUpperCase(),
        path: `/${way.join('/')}${asked.length > 0 ? `?${asked.map(([key, value]) => `${encoded(key)}=${encoded(value ?? '')}`).join('&')}` : ''}`,
        headers: [
          ...more.map(([key, value]): [string, string] => [key, value ?? '']),
          ...(sent === undefined ? [] : [['content-type', 'application/json'] as [string, string]]),
        ],
        ...(sent !== undefined && { body: sent }),
      }));
  }

  const calls = Object.entries(document.paths).flatMap(([path, item]) =>
    verbs.flatMap((verb) => {
      const operation = item[verb];
      if (!operation) return [];
      const call = { verb, operation, shared: item.parameters ?? [] };
      // Older routes are described once for all types.
      return path.includes('{type}')
        ? anyTypes.map((type) => ({ ...call, path: path.replace('{type}', type) }))
        : [{ ...call, path }];
    }),
  );
  const made = new Map<number, Arbitrary<Request>>();
  return fc.nat({ max: calls.length - 1 }).chain((index) => {
    const { verb, path, operation, shared } = calls[index]!;
    const arbitrary = made.get(index) ?? callOf(verb, path, operation, shared);
    made.set(index, arbitrary);
    return arbitrary;
  });
}

const orderBy = (columns: string[]): Arbitrary<unknown> =>
  fc
    .array(
      fc.tuple(
        fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...columns) }, { weight: 1, arbitrary: text }),
        mostly(fc.constantFrom('ASC', 'DESC', 'desc')),
      ),
      { maxLength: 3 },
    )
    .map((steps) => Object.fromEntries(steps));

const operators = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'not_in', 'is_null', 'is_not_null', 'like'];
const patterns = ['contains', 'match', 'startswith', 'endswith', 'LIKE', 'x'];

/** A search by columns that there are, of any depth, with values that may fit. */
function searchIn(columns: string[], ids: Ids, depth: number): Arbitrary<unknown> {
  const value = fc.oneof(
    text,
    number,
    moment,
    anything,
    idOf(ids, ''),
    fc.array(fc.oneof(text, number, idOf(ids, ''))),
  );
  const filter = fc.record(
    {
      field: mostly(fc.constantFrom(...columns)),
      op: mostly(fc.constantFrom(...operators, ...patterns)),
      value,
    },
    { requiredKeys: ['field'] },
  );
  const item =
    depth < 3
      ? fc.oneof(
          { weight: 4, arbitrary: filter },
          { weight: 1, arbitrary: searchIn(columns, ids, depth + 1) },
        )
      : filter;
  const items = mostly(fc.array(item, { maxLength: 3 }), 20);
  return fc.record({ q: mostly(text, 20), and: items, or: items, not: item }, { requiredKeys: [] });
}

const lastOf = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);

/** Half a character alone is none, and cannot be encoded. */
export const encoded = (value: string): string => encodeURIComponent(Buffer.from(value).toString());

import type { ColumnSpec } from '../database/tables';
import type { Context } from './context';
import type { Level } from './levels';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What an attribute holds; decides its column, its graph type, its filter, and its spelling in REST. */
export type Kind =
  | 'id'
  | 'string'
  | 'text'
  | 'longtext'
  | 'hash'
  | 'int'
  | 'bigint'
  | 'float'
  | 'decimal'
  | 'bool'
  | 'datetime'
  | 'json'
  | 'ref'
  | 'anyType'
  | 'anyId';

/** What happens to a row when the object that it refers to is deleted. */
export type OnRemove = 'cascade' | 'restrict' | 'nullify';

interface Common {
  /** Description for API users. */
  doc: string;
  /** Column name, where it is not the attribute's name in snake_case. */
  column?: string;
  /** False: never null in an answer, and required when an object is created, unless there is a default. */
  nullable?: boolean;
  /** Part of the type's search text. */
  search?: boolean;
  /** Kept by the server: every text and number in the JSON of that attribute, in one line. */
  textOf?: string;
  /** The rows that a derived text is gathered from; see {@link gathered}. */
  gathers?: Gathers;
  /** Level from which the value may be read, filtered and sorted by; `never` for secrets. Default: the level of the type. */
  read?: Level | 'never';
  /** What those below `read` see instead of null. */
  mask?: (value: never, ctx: Context) => unknown;
  /** Level from which the value may be set; `server`: by no caller. Default: the level of the type. */
  write?: Level | 'server';
  /** A passcode: who knows it acts as the owner of this one object. */
  opens?: boolean;
  /** May be set when the object is created, or while it is null; not changed afterwards. */
  once?: boolean;
  /** Cleans what arrives before it is stored. */
  clean?: (value: string) => string;
  /** A derived, read-only value: SQL over the row, whose table has the alias given. */
  sql?: (table: string) => string;
}

/** Texts of the rows of a table that refer to an object; columns of that table. */
export interface Gathers {
  table: string;
  /** Holds the object's key. */
  by: string;
  texts: string[];
}

export interface RefOptions extends Partial<Omit<Common, 'sql'>> {
  /** Name of the connection on the other side; none when left out. */
  inverse?: string;
  onRemove?: OnRemove;
  /** The reference whose object holds the same column: the value is taken from there, and may not contradict it. */
  through?: string;
}

export interface AnyOptions {
  /** The attribute beside it that names the type. */
  typeAttribute: string;
  /** Types that may be referred to; all when left out. */
  types?: readonly string[];
  /** Name of the connection on each of these types. */
  inverse?: string;
  /** Those of the types that have the connection, when not all do. */
  inverseOn?: readonly string[];
  onRemove?: OnRemove;
  /** References that are filled from the object referred to, by type: `{ event_session: 'eventSessionId' }`. */
  also?: Record<string, string>;
  /** False, the default: every object belongs to another. */
  nullable?: boolean;
  doc: string;
}

/** One declared attribute of an object type. */
export interface Attribute extends Common {
  name: string;
  column: string;
  kind: Kind;
  nullable: boolean;
  max?: number;
  /** Of a decimal: digits in all, and after the point. */
  digits?: [number, number];
  default?: string | number | boolean;
  unique?: boolean;
  index?: boolean;
  /** ASCII, compared to the letter: keys and ids. */
  exact?: boolean;
  ref?: { type: string; inverse?: string; onRemove: OnRemove; through?: string };
  any?: Omit<AnyOptions, 'doc' | 'nullable'>;
}

const declared = new WeakMap<object, Map<string, Attribute>>();

/** Attributes of a class and of those that it extends, in the order of their declaration, ancestors first. */
export function attributesOf(type: object): Attribute[] {
  const parent = Object.getPrototypeOf(type) as object | null;
  const inherited = parent ? attributesOf(parent) : [];
  const own = declared.get(type) ?? new Map<string, Attribute>();
  return [...inherited.filter(({ name }) => !own.has(name)), ...own.values()];
}

/** `startDatetime` -> `start_datetime`, `other1Code` -> `other_1_code`. */
export const snakeCase = (name: string): string =>
  name.replace(/[A-Z]|\d+/g, (part) => `_${part.toLowerCase()}`);

function attribute(kind: Kind, options: Partial<Attribute> & { doc: string }): PropertyDecorator {
  return (prototype, property) => {
    const name = String(property);
    const own = declared.get(prototype.constructor) ?? new Map<string, Attribute>();
    declared.set(prototype.constructor, own);
    own.set(name, {
      ...options,
      name,
      kind,
      column: options.column ?? snakeCase(name),
      nullable: options.nullable ?? true,
    });
  };
}

type Indexed = Common & { index?: boolean; unique?: boolean; exact?: boolean };

/** Declares the attributes of an object type; every decorator takes the description that API users read. */
export const Attr = {
  /** Text of at most `max` characters (255 by default). */
  string: (options: Indexed & { max?: number; default?: string }) =>
    attribute('string', { max: 255, ...options }),
  /** Text of up to 65 535 bytes. */
  text: (options: Common) => attribute('text', options),
  /** Text of up to 4 GiB, for what people write at length. */
  longtext: (options: Common) => attribute('longtext', options),
  /** A digest in lower-case hex, of exactly `length` digits. */
  hash: (options: Indexed & { length: number }) => attribute('hash', { ...options, max: options.length }),
  int: (options: Common & { default?: number }) => attribute('int', options),
  /** A whole number up to 2^53. */
  bigint: (options: Common & { default?: number }) => attribute('bigint', options),
  /** A number with a point, as exact as a double. */
  float: (options: Common) => attribute('float', options),
  /** An exact amount: `digits: [12, 2]` has twelve, two of them after the point. */
  decimal: (options: Common & { digits: [number, number]; default?: number }) =>
    attribute('decimal', options),
  bool: (options: Common & { default?: boolean }) => attribute('bool', options),
  /** A moment in UTC, to the millisecond. */
  datetime: (options: Common) => attribute('datetime', options),
  json: (options: Common) => attribute('json', options),
  /** The name of the type that an {@link Attr.anyId} beside it points to. */
  anyType: (options: { doc: string; nullable?: boolean }) =>
    attribute('anyType', { nullable: false, ...options, max: 50 }),
  /** A reference to an object of one of several types. */
  anyId: ({ doc, nullable = false, ...any }: AnyOptions) => attribute('anyId', { doc, any, nullable }),
  id: (options: { doc: string }) =>
    attribute('id', { ...options, column: 'id_random', nullable: false, max: 22, exact: true }),
};

/** A reference to one object of `type`, in the same account; `inverse` makes the connection on its side. */
export const Ref = (type: string, options: RefOptions = {}): PropertyDecorator => {
  const { inverse, onRemove = 'nullify', through, ...rest } = options;
  return attribute('ref', {
    doc: `Id of the ${type.replaceAll('_', ' ')}.`,
    ...rest,
    ref: { type, inverse, onRemove, through },
  });
};

/** A value read through a reference: `via('eventLocationId', 'event_location', 'name')`. */
export const via =
  (column: string, table: string, value: string) =>
  (t: string): string =>
    `(SELECT v.\`${value}\` FROM \`${table}\` v WHERE v.id = ${t}.\`${column}\` AND v.account_id = ${t}.account_id)`;

/** How many rows of `table` refer to this one. */
export const countOf =
  (table: string, condition: (child: string, t: string) => string) =>
  (t: string): string =>
    `(SELECT COUNT(*) FROM \`${table}\` c WHERE c.account_id = ${t}.account_id AND ${condition('c', t)})`;

/**
 * A text of each row of `table` that refers to this one through `by`, separated by commas. It is that of the first choice that
 * holds one; a choice names columns whose texts stand together: `'full_name', 'given_name family_name'`.
 */
export function gathered(table: string, by: string, ...choices: string[]): Pick<Common, 'sql' | 'gathers'> {
  const columns = choices.map((choice) => choice.split(' '));
  const texts = columns.map(
    (names) => `NULLIF(CONCAT_WS(' ', ${names.map((name) => `c.\`${name}\``).join(', ')}), '')`,
  );
  return {
    gathers: { table, by, texts: columns.flat() },
    // In one order on every database: words are found beside each other. And not by an index of the account, which MariaDB takes
    // as long as it believes the table to be empty.
    sql: (t) =>
      `(SELECT GROUP_CONCAT(COALESCE(${texts.join(', ')}, NULL) ORDER BY c.id) FROM \`${table}\` c WHERE c.account_id + 0 = ${t}.account_id AND c.\`${by}\` = ${t}.id)`,
  };
}

/** The column that an attribute lives in; derived attributes have none. */
export function columnOf(attribute: Attribute): ColumnSpec | undefined {
  if (attribute.sql) return undefined;
  const { max, digits, nullable, default: fallback } = attribute;
  const shape = { nullable: nullable || attribute.kind === 'bool', default: fallback };
  switch (attribute.kind) {
    case 'ref':
      return { type: 'int', references: attribute.ref?.type, nullable };
    case 'anyId':
      return { type: 'int', nullable };
    case 'anyType':
      return { type: 'string', max, nullable };
    case 'decimal':
      return { type: 'decimal', digits, ...shape };
    case 'hash':
      return { type: 'char', max, nullable };
    case 'id':
    case 'string':
      return { type: attribute.exact ? 'token' : 'string', max, ...shape };
    default:
      return { type: attribute.kind, ...shape };
  }
}

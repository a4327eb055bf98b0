import type { Attribute } from '../kernel/attributes';
import type { Entity } from '../kernel/entity';
import { AetherError, invalid, unknownField } from '../kernel/errors';
import { isComparable, isRequired, isWritable, operatorsOf, type Operator } from '../kernel/input-types';
import { isPublicId } from '../kernel/public-id';
import { spellings } from './documents';

type Body = Record<string, unknown>;

const names = new WeakMap<Entity, Map<string, Attribute>>();

/** The attribute that a key of REST names, in any of its spellings. */
export function attributeNamed(entity: Entity, key: string): Attribute | undefined {
  let known = names.get(entity);
  if (!known) {
    known = new Map([['id_random', entity.attributes.get('id') as Attribute]]);
    for (const attribute of entity.attributes.values())
      for (const spelling of spellings(entity, attribute)) known.set(spelling, attribute);
    names.set(entity, known);
  }
  return known.get(key);
}

/**
 * What says where a new record below a parent belongs: the reference to the parent; or the one to any of several types that it is
 * taken through, where that may be the parent itself, as the file of an event may be one of its sessions' or its own.
 */
export function placeOf({ attributes }: Entity, parent: Attribute): Attribute {
  const through = attributes.get(parent.ref?.through ?? '');
  return through?.any?.also?.[parent.ref?.type ?? ''] === parent.name ? through : parent;
}

/** What must be given of a new record, where the path does not give it by its parent. */
export function requiredOf(entity: Entity, parent?: Attribute): Attribute[] {
  const place = parent && placeOf(entity, parent);
  const given = [parent?.name, place?.name, place?.any?.typeAttribute];
  return [...entity.attributes.values()].filter(
    (attribute) => isRequired(attribute) && !given.includes(attribute.name),
  );
}

interface Reading {
  /** Fields that the type does not have are left out. */
  ignoreUnknown: boolean;
  /** What must be given, by the body or beside it. */
  required?: readonly Attribute[];
  /** What the path gives, knowing what the body does; it counts more. */
  given?: (input: Body) => Body;
}

/**
 * The input of a create or an update from the body of a REST call. What a client read before and sends back unasked is ignored:
 * its id, read-only and derived fields, `tmp_*`.
 * @throws VALIDATION naming every field that the type does not have, whose value is of the wrong type, or that is missing.
 */
export function inputFrom(
  entity: Entity,
  body: unknown,
  { ignoreUnknown, required = [], given }: Reading,
): Body {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw invalid({ body: 'must be a JSON object' });
  const input: Body = {};
  // Without a prototype: a key may be called `__proto__`.
  const problems = Object.create(null) as Record<string, string>;
  const wrong = new Set<Attribute>();
  for (const [key, value] of Object.entries(body)) {
    if (key.startsWith('tmp_')) continue;
    const attribute = attributeNamed(entity, key);
    if (!attribute) {
      if (!ignoreUnknown) problems[key] = `is no field of ${entity.table}`;
    } else if (isWritable(attribute)) {
      const read = valueFrom(attribute, value);
      if ('problem' in read) {
        problems[key] = read.problem;
        wrong.add(attribute);
      } else if (!(key.endsWith('_random') && value === null && input[attribute.name] != null))
        input[attribute.name] = read.value;
    }
  }
  Object.assign(input, given?.(input));
  for (const attribute of required)
    if (input[attribute.name] == null && !wrong.has(attribute)) problems[attribute.column] = 'is required';
  if (Object.keys(problems).length > 0) throw invalid(problems);
  return input;
}

type Read = { value: unknown } | { problem: string };

const flags = new Map<unknown, boolean>([
  [true, true],
  [false, false],
  [1, true],
  [0, false],
  ['1', true],
  ['0', false],
  ['true', true],
  ['false', false],
]);

/** Scripts in Python say `True` and `False`. */
const flagFrom = (value: unknown): boolean | undefined =>
  flags.get(typeof value === 'string' ? value.toLowerCase() : value);

/** A value as REST spells it, as the graph takes it: old programs send numbers and flags as text, and JSON as a string. */
export function valueFrom({ kind }: Attribute, value: unknown): Read {
  if (value === null || (value === '' && !isText(kind))) return { value: null };
  switch (kind) {
    case 'bool': {
      const flag = flagFrom(value);
      return flag === undefined ? { problem: 'must be true or false' } : { value: flag };
    }
    case 'int':
    case 'bigint': {
      const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
      const bound = kind === 'int' ? 2 ** 31 : Number.MAX_SAFE_INTEGER;
      return typeof number === 'number' && Number.isInteger(number) && Math.abs(number) < bound
        ? { value: number }
        : { problem: 'must be a whole number' };
    }
    case 'float':
    case 'decimal': {
      const number =
        typeof value === 'string' && /^-?\d{1,16}(?:\.\d{1,16})?$/.test(value) ? Number(value) : value;
      return typeof number === 'number' ? { value: number } : { problem: 'must be a number' };
    }
    case 'datetime': {
      const moment = typeof value === 'string' ? momentFrom(value) : undefined;
      return moment ? { value: moment } : { problem: 'must be a moment as in 2026-01-31T09:00:00Z' };
    }
    case 'json':
      return typeof value === 'string' ? jsonFrom(value) : { value };
    case 'id':
    case 'ref':
    case 'anyId':
      return isPublicId(value) ? { value } : { problem: 'must be an id of 11 to 22 characters' };
    default:
      return typeof value === 'string' ? { value } : { problem: 'must be text' };
  }
}

const isText = (kind: Attribute['kind']): boolean =>
  kind === 'string' || kind === 'text' || kind === 'longtext' || kind === 'hash' || kind === 'anyType';

function jsonFrom(text: string): Read {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem: 'must be JSON' };
  }
}

const moments =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)\s*(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** A moment in any of the spellings that clients send; without a zone it is UTC. */
function momentFrom(text: string): string | undefined {
  const [, date, time = '00:00', zone = 'Z'] = moments.exec(text.trim()) ?? [];
  if (date === undefined) return undefined;
  const moment = new Date(`${date}T${time.length === 5 ? `${time}:00` : time}${zone.toUpperCase()}`);
  // A day that does not exist would roll over into the next month.
  if (Number.isNaN(moment.getTime())) return undefined;
  const sameDay = new Date(`${date}T00:00:00Z`);
  return Number.isNaN(sameDay.getTime()) || !sameDay.toISOString().startsWith(date)
    ? undefined
    : moment.toISOString();
}

/* ---- search ---- */

/** Operators of the graph, by those of REST. */
const operators = new Map<string, Operator>([
  ['eq', 'eq'],
  ['ne', 'ne'],
  ['gt', 'gt'],
  ['gte', 'gte'],
  ['lt', 'lt'],
  ['lte', 'lte'],
  ['in', 'in'],
  ['not_in', 'notIn'],
  ['is_null', 'isNull'],
  ['is_not_null', 'isNotNull'],
  ['like', 'like'],
  ['contains', 'contains'],
  ['match', 'contains'],
  ['startswith', 'startsWith'],
  ['endswith', 'endsWith'],
]);

const patterns = new Set<Operator>(['like', 'contains', 'startsWith', 'endsWith']);

const maxDepth = 10;
const maxFilters = 200;

/**
 * The filter of a search body: `{ q, and, or, not }` of groups like it and of `{ field, op, value }`.
 * @throws VALIDATION for what is no such body, DATABASE_SCHEMA for a field that the type does not have.
 */
export function filterFrom(entity: Entity, body: unknown): Body {
  if (body === undefined || body === null) return {};
  if (typeof body !== 'object' || Array.isArray(body)) throw invalid({ body: 'must be a JSON object' });
  return new SearchReader(entity).group(body as Body, 1);
}

const limit = (message: string): AetherError => new AetherError('LIMIT_EXCEEDED', message);

/** Reads one search; counts what it holds. */
class SearchReader {
  private filters = 0;

  constructor(private readonly entity: Entity) {}

  group(query: Body, depth: number): Body {
    if (depth > maxDepth) throw limit(`A search nests at most ${String(maxDepth)} deep.`);
    const filter: Body = {};
    for (const [key, value] of Object.entries(query)) {
      if (value === null || value === undefined) continue;
      if (key === 'and' || key === 'or') {
        if (!Array.isArray(value)) throw invalid({ [key]: 'must be a list' });
        if (value.length > 0) filter[key] = value.map((item) => this.item(item, depth));
      } else if (key === 'not') filter.not = this.item(value, depth);
      else if (key === 'q') filter.q = wordsFrom(this.entity, value);
      else throw invalid({ [key]: 'is not part of a search: use q, and, or, not' });
    }
    return filter;
  }

  private item(item: unknown, depth: number): Body {
    if (item === null || typeof item !== 'object' || Array.isArray(item))
      throw invalid({ filter: 'must be a JSON object' });
    const { field, op = 'eq', value, ...rest } = item as Body;
    if (field === undefined) return this.group(item as Body, depth + 1);
    if (++this.filters > maxFilters) throw limit(`A search holds at most ${String(maxFilters)} filters.`);
    if (typeof field !== 'string') throw invalid({ field: 'must be text' });
    const [extra] = Object.keys(rest);
    if (extra !== undefined) throw invalid({ [extra]: 'is not part of a filter: use field, op, value' });
    const attribute = attributeNamed(this.entity, field);
    if (!attribute || !isComparable(attribute)) throw unknownField(this.entity.table, field);
    const operator = typeof op === 'string' ? operators.get(op.toLowerCase()) : undefined;
    if (operator === undefined) throw invalid({ op: `must be one of ${[...operators.keys()].join(', ')}` });
    if (!operatorsOf(attribute).includes(operator))
      throw invalid({ [field]: `cannot be compared with ${String(op)}` });
    return { [attribute.name]: { [operator]: operand(attribute, field, operator, value) } };
  }
}

/** Words to search for, from the body or the query. @throws VALIDATION for a type without a search text */
export function wordsFrom({ table, attributes }: Entity, q: unknown): string {
  if (typeof q !== 'string') throw invalid({ q: 'must be text' });
  if (!attributes.has('defaultQryStr')) throw invalid({ q: `${table} has no search text` });
  return q;
}

function operand(attribute: Attribute, field: string, operator: Operator, value: unknown): unknown {
  if (operator === 'isNull' || operator === 'isNotNull') {
    const wanted = value === undefined || value === null ? true : flagFrom(value);
    if (wanted === undefined) throw invalid({ [field]: 'is null or not: true or false' });
    return wanted;
  }
  const one = (each: unknown): unknown => {
    if (patterns.has(operator)) {
      if (typeof each !== 'string') throw invalid({ [field]: 'must be text' });
      return each;
    }
    const read = valueFrom(attribute, each);
    if ('problem' in read) throw invalid({ [field]: read.problem });
    return read.value;
  };
  if (operator !== 'in' && operator !== 'notIn') return one(value);
  if (!Array.isArray(value)) throw invalid({ [field]: 'must be a list' });
  return value.map((each) => {
    if (each === null) throw invalid({ [field]: 'a list holds no null: use is_null' });
    return one(each);
  });
}

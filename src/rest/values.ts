import type { Attribute } from '../kernel/attributes';
import type { Entity } from '../kernel/entity';
import { invalid, unknownField } from '../kernel/errors';
import { isWritable } from '../kernel/input-types';
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
 * The input of a create or an update from the body of a REST call. What a client read before and sends back unasked is ignored:
 * its id, read-only and derived fields, `tmp_*`.
 * @throws VALIDATION naming every field that the type does not have, or whose value is of the wrong type.
 */
export function inputFrom(entity: Entity, body: unknown, { ignoreUnknown = false } = {}): Body {
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw invalid({ body: 'must be a JSON object' });
  const input: Body = {};
  // Without a prototype: a key may be called `__proto__`.
  const problems = Object.create(null) as Record<string, string>;
  for (const [key, value] of Object.entries(body)) {
    if (key.startsWith('tmp_')) continue;
    const attribute = attributeNamed(entity, key);
    if (!attribute) {
      if (!ignoreUnknown) problems[key] = `is no field of ${entity.table}`;
    } else if (isWritable(attribute)) {
      const read = valueFrom(attribute, value);
      if ('problem' in read) problems[key] = read.problem;
      else if (!(key.endsWith('_random') && value === null && input[attribute.name] != null))
        input[attribute.name] = read.value;
    }
  }
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

/** A value as REST spells it, as the graph takes it: old programs send numbers and flags as text, and JSON as a string. */
export function valueFrom({ kind }: Attribute, value: unknown): Read {
  if (value === null || (value === '' && !isText(kind))) return { value: null };
  switch (kind) {
    case 'bool': {
      const flag = flags.get(value);
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

/** Operators of REST, by those of the graph. */
const operators: Record<string, string> = {
  eq: 'eq',
  ne: 'ne',
  gt: 'gt',
  gte: 'gte',
  lt: 'lt',
  lte: 'lte',
  in: 'in',
  not_in: 'notIn',
  is_null: 'isNull',
  is_not_null: 'isNotNull',
  like: 'like',
  contains: 'contains',
  match: 'contains',
  startswith: 'startsWith',
  endswith: 'endsWith',
};

const patterns = new Set(['like', 'contains', 'startsWith', 'endsWith']);

export interface Search {
  filter?: Body;
  q?: string;
}

/**
 * The filter of a search body: `{ q, and, or, not }` of groups and of `{ field, op, value }`.
 * @throws VALIDATION for what is no such body, DATABASE_SCHEMA for a field that the type does not have.
 */
export function searchFrom(
  entity: Entity,
  body: unknown,
  allowed: (attribute: Attribute) => readonly string[],
): Search {
  if (body === undefined || body === null) return {};
  if (typeof body !== 'object' || Array.isArray(body)) throw invalid({ body: 'must be a JSON object' });
  const { q, ...query } = body as Body;
  if (q !== undefined && q !== null && typeof q !== 'string') throw invalid({ q: 'must be text' });
  return { q: q ?? undefined, filter: groupFrom(entity, query, allowed) };
}

function groupFrom(
  entity: Entity,
  query: Body,
  allowed: (attribute: Attribute) => readonly string[],
  depth = 0,
): Body {
  if (depth > 50) throw invalid({ body: 'nests too deep' });
  const filter: Body = {};
  for (const [key, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    if (key === 'and' || key === 'or') {
      if (!Array.isArray(value)) throw invalid({ [key]: 'must be a list' });
      if (value.length > 0) filter[key] = value.map((item) => itemFrom(entity, item, allowed, depth + 1));
    } else if (key === 'not') filter.not = itemFrom(entity, value, allowed, depth + 1);
    else if (key === 'q') throw invalid({ q: 'stands at the top of a search' });
    else throw invalid({ [key]: 'is not part of a search: use q, and, or, not' });
  }
  return filter;
}

function itemFrom(
  entity: Entity,
  item: unknown,
  allowed: (attribute: Attribute) => readonly string[],
  depth: number,
): Body {
  if (item === null || typeof item !== 'object' || Array.isArray(item))
    throw invalid({ filter: 'must be a JSON object' });
  const { field, op = 'eq', value, ...rest } = item as Body;
  if (field === undefined) return groupFrom(entity, item as Body, allowed, depth);
  if (typeof field !== 'string') throw invalid({ field: 'must be text' });
  const [extra] = Object.keys(rest);
  if (extra !== undefined) throw invalid({ [extra]: 'is not part of a filter: use field, op, value' });
  const attribute = attributeNamed(entity, field);
  if (!attribute || attribute.read === 'never') throw unknownField(entity.table, field);
  const operator = typeof op === 'string' ? operators[op.toLowerCase()] : undefined;
  if (operator === undefined) throw invalid({ op: `must be one of ${Object.keys(operators).join(', ')}` });
  if (!allowed(attribute).includes(operator))
    throw invalid({ [field]: `cannot be compared with ${String(op)}` });
  return { [attribute.name]: { [operator]: operand(attribute, field, operator, value) } };
}

function operand(attribute: Attribute, field: string, operator: string, value: unknown): unknown {
  if (operator === 'isNull' || operator === 'isNotNull') {
    const wanted = value === undefined || value === null ? true : flags.get(value);
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

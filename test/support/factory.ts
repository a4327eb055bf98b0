import { createHash } from 'node:crypto';
import type { Attribute } from '../../src/kernel/attributes';
import { allEntities, type Entity } from '../../src/kernel/entity';
import { isWritable } from '../../src/kernel/input-types';
import { targetsOf } from '../../src/kernel/registry';

/** Values of one object by attribute name, as the graph spells them. */
export type Values = Record<string, unknown>;

/** One object that a test has made. */
export interface Made {
  type: string;
  id: string;
  values: Values;
}

/** What an account has: its public id, and its objects by type. */
export interface Tenant {
  account: string;
  rows: Record<string, Made[]>;
}

/** Attributes whose valid values are not told by their declaration, by type and column. */
const particular: Record<string, (n: number) => unknown> = {
  'api_key.level': () => 'trusted',
  'api_key.scopes_json': () => ['*:*'],
  'api_key.origins_json': () => ['https://example.org'],
  'api_key.rate_per_minute': (n) => 1_000_000 + (n % 1000),
  'api_key.public_key': (n) => `key-${digest(n).slice(0, 12)}`,
  // Super alone makes keys that administer the platform.
  'api_key.administrative': () => false,
  // A meeting is out of sight of guests, and so are what is for internal use and drafts.
  'event.type_code': (n) => pick(['conference', 'fair', 'gala'], n),
  'event_file.internal_use': () => false,
  // Callers change no users of a higher level than their own.
  'user.super': () => false,
  'user.manager': () => false,
  'page.status': () => 'published',
};

/**
 * Types so ordered that each comes after those that it needs. References in a circle are left out where they may be: the type that
 * comes first does without.
 */
export function inOrderOfNeed(): Entity[] {
  const waiting = [...allEntities()];
  const ordered: Entity[] = [];
  const missing = (entity: Entity, onlyNeeded: boolean) =>
    [...entity.attributes.values()].some(
      (attribute) =>
        attribute.name !== 'accountId' &&
        (attribute.ref ?? attribute.any) &&
        !(onlyNeeded && attribute.nullable) &&
        targetsOf(attribute).some((target) => target !== entity && waiting.includes(target)),
    );
  while (waiting.length > 0) {
    const next =
      waiting.find((entity) => !missing(entity, false)) ??
      waiting.find((entity) => !missing(entity, true)) ??
      waiting[0]!;
    waiting.splice(waiting.indexOf(next), 1);
    ordered.push(next);
  }
  return ordered;
}

/**
 * Values of the `n`th object of a type in an account: every attribute that a caller may set, each with a value that is valid and,
 * where there are enough of them, its own. What may be null is so now and then, unless `full` is asked for.
 */
export function valuesFor(entity: Entity, tenant: Tenant, n: number, { full = true } = {}): Values {
  for (let turn = n; turn < n + 10_000; turn += 1) {
    const values = valuesOfTurn(entity, tenant, turn, n, full);
    if (isUnused(entity, tenant, values)) return values;
  }
  throw new Error(`There are no unused values left for ${entity.name}`);
}

const used = new Set<string>();

/** Pairs that may be there once only, such as a file and what it is linked to, are not given twice. */
function isUnused(entity: Entity, { account }: Tenant, values: Values): boolean {
  for (const members of pairsOf(entity)) {
    const key = JSON.stringify([account, entity.table, ...members.map(({ name }) => values[name])]);
    if (used.has(key)) return false;
    used.add(key);
  }
  return true;
}

/** References of which a type has each combination once. */
const pairsOf = ({ indexes, attributes }: Entity): Attribute[][] =>
  indexes
    .filter(({ unique }) => unique)
    .map(({ columns }) => [...attributes.values()].filter(({ column }) => columns.includes(column)))
    .filter((members) =>
      members.every(({ kind }) => kind === 'ref' || kind === 'anyId' || kind === 'anyType'),
    );

/** How many objects of a type an account needs beyond those that are asked for: some, where others have each of them but once. */
export const sparesOf = ({ table }: Entity): number =>
  allEntities().some((entity) => pairsOf(entity).some((pair) => pair.some(({ ref }) => ref?.type === table)))
    ? 18
    : 0;

/** References follow the turn, everything else the number. */
function valuesOfTurn(entity: Entity, tenant: Tenant, turn: number, n: number, full: boolean): Values {
  const values: Values = {};
  const attributes = [...entity.attributes.values()].filter(isWritable);
  const parents: Record<string, Made> = {};
  const references = attributes.filter(({ ref }) => ref);

  for (const attribute of attributes) {
    if (attribute.any) {
      const parent = parentOf(entity, attribute, tenant, turn, full);
      values[attribute.any.typeAttribute] = parent.type;
      values[attribute.name] = parent.id;
      parents[attribute.name] = parent;
    } else if (attribute.ref) {
      const made = tenant.rows[attribute.ref.type] ?? [];
      const left = !full && attribute.nullable && (n + attribute.name.length) % 4 === 0;
      // Later references lag behind earlier ones, so that in the end there is every pair.
      const lag = references.indexOf(attribute) * Math.floor((turn - n) / made.length);
      const parent = made.length > 0 && !left ? pick(made, turn + lag) : undefined;
      if (!parent && !attribute.nullable)
        throw new Error(`There is no ${attribute.ref.type} for ${entity.name}`);
      values[attribute.name] = parent?.id ?? null;
      if (parent) parents[attribute.name] = parent;
    } else if (attribute.kind !== 'anyType') values[attribute.name] = valueOf(entity, attribute, n, full);
  }
  for (const { name, column, ref } of attributes) {
    const parent = ref?.through ? parents[ref.through] : undefined;
    const via = ref?.through ? entity.attributes.get(ref.through) : undefined;
    if (!parent || !via) continue;
    const target = targetsOf(via).find(({ table }) => table === parent.type);
    const same = target?.byColumn.get(column);
    if (via.any?.also?.[parent.type] === name) values[name] = parent.id;
    else if (same && !same.sql) values[name] = parent.values[same.name] ?? null;
    else values[name] = null;
  }
  return values;
}

/** An object for a reference to one of several types: with `full`, of a type through which the most is known. */
function parentOf(entity: Entity, attribute: Attribute, tenant: Tenant, n: number, full: boolean): Made {
  const types = targetsOf(attribute).filter(
    ({ table }) => table !== entity.table && (tenant.rows[table] ?? []).length > 0,
  );
  const known = (type: Entity) =>
    [...entity.attributes.values()].filter(
      ({ ref, column, name }) =>
        ref?.through === attribute.name &&
        (type.byColumn.has(column) || attribute.any?.also?.[type.table] === name),
    ).length;
  const best = Math.max(...types.map(known));
  const type = pick(full ? types.filter((each) => known(each) === best) : types, n);
  return pick(tenant.rows[type.table]!, Math.floor(n / types.length));
}

const words = [
  'Opening',
  'opening',
  'Coffee break',
  'Panel: heart & lung',
  '100% of it',
  'snake_case',
  'Wow!',
  'back\\slash',
  "O'Brien",
  'two "quotes"',
  'a < b',
  'Zürich',
  '日本語',
  '; DROP TABLE event; --',
];

/** A valid value of an attribute that is no reference. */
export function valueOf(entity: Entity, attribute: Attribute, n: number, full = true): unknown {
  const { kind, max, name, nullable, clean, exact } = attribute;
  const known = particular[`${entity.table}.${attribute.column}`];
  if (known) return known(n);
  const mayMiss = nullable && !isUnique(entity, attribute);
  const seed = parseInt(digest(`${entity.table} ${name} ${String(n)}`).slice(0, 8), 16);
  if (!full && mayMiss && seed % 4 === 0) return null;
  switch (kind) {
    case 'string':
    case 'text':
    case 'longtext': {
      // Of ASCII alone.
      if (exact) return digest(seed).slice(0, max);
      if (isUnique(entity, attribute)) return `u${String(n)}-${digest(n).slice(0, 8)}`.slice(0, max);
      // Few different ones in a fixture, so that there are ties; each its own when all are asked for.
      const text = full ? `${pick(words, seed)} ${String(n)}` : pick(words, seed);
      const short = [...text].slice(0, max).join('').trim();
      return clean ? clean(short) : short;
    }
    case 'hash':
      return digest(seed).padEnd(64, '0').slice(0, max);
    case 'int':
      return full ? (seed % 2_000_000) - 1_000_000 : (seed % 7) - 3;
    case 'bigint':
      return full ? 2 ** 33 + seed : 2 ** 33 + (seed % 5);
    case 'float':
      return ((full ? seed : seed % 9) - 3) / 8;
    case 'decimal':
      return ((full ? seed % 1_000_000 : seed % 7) - 3) / 100;
    case 'bool':
      // Lists leave out what is off or hidden; most of it is neither.
      if (name === 'enable') return full || seed % 5 !== 0;
      if (name === 'hide') return !full && seed % 5 === 0;
      return seed % 2 === 0;
    case 'datetime':
      return new Date(
        Date.UTC(2026, seed % 12, 1 + (seed % 28), seed % 24, seed % 60, 0, seed % 1000),
      ).toISOString();
    case 'json':
      return pick<unknown>(
        [
          // Some keys are called as secrets are: settings are shown without those.
          {
            list: [1, 'two', null, { three: 3.5, passcode: 'p3' }],
            text: pick(words, seed),
            flag: n % 2 === 0,
            n,
            api_key: 'k',
          },
          [n, 'a "quoted" text', false, { name: 'desk', staff_passcode: `s${String(n)}` }],
          { empty: {}, none: null, unicode: '日本語 – é' },
        ],
        seed,
      );
    default:
      throw new Error(`${entity.name}.${name}: no values are known for kind ${kind}`);
  }
}

const isUnique = (entity: Entity, { unique, column }: Attribute): boolean =>
  unique === true || entity.indexes.some((index) => index.unique && index.columns.includes(column));

export const pick = <T>(list: readonly T[], n: number): T => list[Math.abs(n) % list.length] as T;

const digest = (seed: unknown): string => createHash('sha256').update(String(seed)).digest('hex');

/** A public id that is the same in every run; some in the spellings of old rows. */
export function fixedId(...parts: unknown[]): string {
  const hex = digest(parts.join(' '));
  if (parseInt(hex.slice(0, 2), 16) % 8 === 0)
    return hex
      .slice(0, 10)
      .toUpperCase()
      .replace(/^(.{4})(..)(..)(..)$/, '$1-$2-$3-$4');
  return createHash('sha256')
    .update(hex)
    .digest('base64url')
    .slice(0, parseInt(hex.slice(2, 4), 16) % 8 === 0 ? 22 : 11);
}

import type { Bindable, Dialect } from '../database/database';
import { indexedWords, indexQuestion } from '../database/full-text';
import type { Attribute } from './attributes';
import type { Context } from './context';
import type { Entity } from './entity';
import { AetherError, badRequest, forbidden } from './errors';
import { EnabledFilter, HiddenFilter, type ListArgs, type Operator } from './input-types';
import { isPublicId } from './public-id';
import { toManys, toOnes, targetsOf } from './registry';
import { databaseFromDate } from './scalars';
import { phrasesOf } from './search-words';
import { mayList, maySee, scope } from './tenancy';

const maxDepth = 10;
const maxConditions = 200;
/** SQLite binds 32 766 values at most. */
const maxValues = 30_000;

type Filter = Record<string, unknown>;

/** Turns the arguments of a connection into SQL conditions on the rows with alias `t`. */
export function conditionsOf(
  ctx: Context,
  entity: Entity,
  args: Partial<ListArgs>,
  t: string,
  values: Bindable[],
): string[] {
  const conditions: string[] = [];
  const { attributes } = entity;
  if (attributes.has('enable') && args.enabled && args.enabled !== EnabledFilter.ALL)
    conditions.push(truth(`${t}.enable`, args.enabled === EnabledFilter.ENABLED));
  if (attributes.has('hide') && args.hidden && args.hidden !== HiddenFilter.ALL)
    conditions.push(truth(`${t}.hide`, args.hidden === HiddenFilter.HIDDEN));
  if (args.filter) conditions.push(new FilterCompiler(ctx, values).compile(entity, t, args.filter));
  if (args.q) conditions.push(...searchConditions(ctx, entity, args.q, t, values));
  if (args.updatedSince) {
    conditions.push(`${t}.updated_on >= ?`);
    values.push(databaseFromDate(args.updatedSince));
  }
  return conditions;
}

/** NULL counts as false, and what is neither as true: every row is one of both. */
const truth = (column: string, wanted: boolean): string =>
  wanted ? `${column} <> 0` : `COALESCE(${column}, 0) = 0`;

/** Each phrase stands in the search text, from the beginning of a word; blanks ask for nothing. */
function searchConditions(
  { services, viewer }: Context,
  entity: Entity,
  q: string,
  t: string,
  values: Bindable[],
): string[] {
  const text = entity.attributes.get('defaultQryStr');
  if (!text) throw badRequest(`${entity.name} has no search text: q does not apply.`);
  if (!q.trim()) return [];
  const phrases = phrasesOf(q);
  if (phrases.length > 50) throw limit('A search takes at most 50 words.');
  if (phrases.length === 0) return ['FALSE'];
  const column = `${t}.\`${text.column}\``;
  const conditions: string[] = [];
  const words = phrases.flatMap((phrase) => phrase.split(' '));
  const question = viewer.account && indexQuestion(viewer.account.pk, words);
  if (question && services.indexedWords.has(entity.table)) {
    conditions.push(`MATCH (${t}.\`${indexedWords(text.column)}\`) AGAINST (? IN BOOLEAN MODE)`);
    values.push(question);
  }
  // Rows of older servers: not in lower case, and what their texts tell is not for everybody.
  const line =
    services.database.dialect === 'mariadb'
      ? `CONCAT(' ', LOWER(CONVERT(${column} USING utf8mb4))) COLLATE utf8mb4_bin`
      : `' ' || LOWER(${column})`;
  if (!maySee(viewer, text)) conditions.push(`${column} NOT LIKE '%@%'`);
  values.push(...phrases.map((phrase) => ` ${phrase}`));
  return [...conditions, ...phrases.map(() => `INSTR(${line}, ?) > 0`)];
}

const limit = (message: string): AetherError => new AetherError('LIMIT_EXCEEDED', message);

const escapeLike = (text: string): string => text.replace(/[!%_]/g, '!$&');

/** The SQL of an attribute: its column, or what it is derived from. */
export function expression({ column, sql, kind, nullable }: Attribute, t: string): string {
  if (sql) return sql(t);
  return kind === 'bool' && !nullable ? `COALESCE(${t}.\`${column}\`, 0)` : `${t}.\`${column}\``;
}

/**
 * The same to compare and sort by. A column tells how its text is compared; of what is derived SQLite does not know it, nor does
 * MariaDB where columns differ in it.
 */
export function comparable({ services }: Context, attribute: Attribute, t: string): string {
  const sql = expression(attribute, t);
  if (!isDerivedText(attribute)) return sql;
  return services.database.dialect === 'sqlite' ? `(${sql}) COLLATE NOCASE` : inUnicode(sql);
}

const isDerivedText = ({ sql, kind }: Attribute): boolean =>
  sql !== undefined && (kind === 'string' || kind === 'text');

const inUnicode = (sql: string, { exact = false } = {}): string =>
  `CONVERT(${sql} USING utf8mb4) COLLATE ${exact ? 'utf8mb4_bin' : 'utf8mb4_unicode_ci'}`;

/** The same to compare with a text: MariaDB compares JSON to the letter, and a smaller character set with nothing beyond it. */
function comparedWith(ctx: Context, attribute: Attribute, t: string, operand: unknown): string {
  const sql = comparable(ctx, attribute, t);
  if (ctx.services.database.dialect !== 'mariadb' || isDerivedText(attribute)) return sql;
  if (attribute.kind === 'json') return inUnicode(sql);
  const exact = attribute.exact ?? attribute.kind === 'hash';
  return /[^\0-\x7f]/.test(String(operand)) ? inUnicode(sql, { exact }) : sql;
}

/** @throws FORBIDDEN when comparing by the attribute would tell its value to who may not read it. */
export function mayCompare(ctx: Context, entity: Entity, attribute: Attribute): void {
  if (!maySee(ctx.viewer, attribute))
    throw forbidden(
      `Filtering or sorting ${entity.plural} by ${attribute.name} needs level ${attribute.read ?? ''}; you are ${ctx.viewer.level}.`,
    );
}

/** Compiles one filter; counts what it holds, so that no caller can make the database think for long. */
class FilterCompiler {
  private conditions = 0;
  private aliases = 0;
  /** Inside an odd number of `not`. */
  private denied = false;

  constructor(
    private readonly ctx: Context,
    private readonly values: Bindable[],
  ) {}

  compile(entity: Entity, t: string, filter: Filter, depth = 0): string {
    const parts: string[] = [];
    for (const [key, value] of Object.entries(filter)) {
      if (value === undefined || value === null) continue;
      parts.push(this.part(entity, t, key, value, depth));
    }
    return parts.length > 0 ? parts.map((part) => `(${part})`).join(' AND ') : 'TRUE';
  }

  private part(entity: Entity, t: string, key: string, value: unknown, depth: number): string {
    const attribute = entity.attributes.get(key);
    if (attribute) return this.comparisons(entity, attribute, t, value as Filter);
    if (key === 'q') {
      const words = searchConditions(this.ctx, entity, String(value), t, this.values);
      this.count(words.length);
      return words.join(' AND ') || 'TRUE';
    }
    if (depth === maxDepth) throw limit(`A filter nests at most ${String(maxDepth)} deep.`);
    if (key === 'and' || key === 'or') {
      const items = value as Filter[];
      if (items.length === 0) return 'TRUE';
      return items
        .map((item) => `(${this.compile(entity, t, item, depth + 1)})`)
        .join(key === 'and' ? ' AND ' : ' OR ');
    }
    if (key === 'not') {
      this.denied = !this.denied;
      const denied = this.compile(entity, t, value as Filter, depth + 1);
      this.denied = !this.denied;
      return `NOT (${denied})`;
    }

    const one = toOnes(entity).find(({ field }) => field === key);
    if (one) {
      const [target] = targetsOf(one.attribute);
      if (target)
        return this.exists(
          target,
          (r) => `${r}.id = ${t}.\`${one.attribute.column}\``,
          value as Filter,
          depth,
        );
    }
    const many = toManys(entity).find(({ field }) => field === key);
    if (many)
      return this.list(many.child, many.attribute, entity, t, value as Record<string, Filter | null>, depth);
    throw badRequest(`${entity.name} has no field "${key}" to filter by.`);
  }

  private list(
    child: Entity,
    attribute: Attribute,
    parent: Entity,
    t: string,
    quantified: Record<string, Filter | null>,
    depth: number,
  ): string {
    const join = (r: string): string => childCondition(child, attribute, parent, r, `= ${t}.id`);
    const parts = Object.entries(quantified).flatMap(([quantifier, filter]) => {
      if (!filter) return [];
      if (quantifier === 'some') return [this.exists(child, join, filter, depth)];
      if (quantifier === 'none') return [`NOT ${this.exists(child, join, filter, depth)}`];
      return [`NOT ${this.exists(child, join, filter, depth, false)}`];
    });
    return parts.length > 0 ? parts.join(' AND ') : 'TRUE';
  }

  /** A filter on a related object is itself a read of it, and sees no more than one. */
  private exists(
    target: Entity,
    join: (r: string) => string,
    filter: Filter,
    depth: number,
    wanted = true,
  ): string {
    const r = `r${String(++this.aliases)}`;
    mayList(this.ctx, target);
    const visible = scope(this.ctx, target, r, this.values);
    const { denied } = this;
    this.denied = false;
    const holds = this.compile(target, r, filter, depth + 1);
    this.denied = denied;
    return `EXISTS (SELECT 1 FROM \`${target.table}\` ${r} WHERE ${join(r)} AND ${visible} AND ${wanted ? `(${holds})` : `(${holds}) IS NOT TRUE`})`;
  }

  private comparisons(entity: Entity, attribute: Attribute, t: string, operators: Filter): string {
    mayCompare(this.ctx, entity, attribute);
    const parts: string[] = [];
    for (const [operator, value] of Object.entries(operators)) {
      if (value === undefined) continue;
      const listed = [value].flat().length * (attribute.any ? targetsOf(attribute).length : 1);
      if (this.values.length + listed > maxValues)
        throw limit(`The lists of a filter hold at most ${String(maxValues)} values.`);
      this.count(1);
      parts.push(
        attribute.kind === 'id' || attribute.kind === 'ref' || attribute.kind === 'anyId'
          ? this.identity(entity, attribute, t, operator as Operator, value)
          : this.comparison(attribute, t, operator as Operator, value),
      );
    }
    return parts.length > 0 ? parts.join(' AND ') : 'TRUE';
  }

  private count(conditions: number): void {
    this.conditions += conditions;
    if (this.conditions > maxConditions)
      throw limit(`A filter holds at most ${String(maxConditions)} conditions.`);
  }

  /** Public ids are compared where they are kept: with the row's own, or with those of the rows referred to. */
  private identity(
    entity: Entity,
    attribute: Attribute,
    t: string,
    operator: Operator,
    value: unknown,
  ): string {
    // Every row has a key, and an id to be answered under, whatever its column holds.
    const column = attribute.kind === 'id' ? `${t}.id` : `${t}.\`${attribute.column}\``;
    const isNull = nullTest(operator, value);
    // In old tables 0 refers to nothing.
    const has = attribute.kind === 'id' ? `${column} IS NOT NULL` : `COALESCE(${column}, 0) <> 0`;
    if (isNull !== undefined) return isNull ? `NOT ${has}` : has;
    const given = [value].flat();
    const negated = operator === 'ne' || operator === 'notIn';
    if (given.length === 0) return negated ? 'TRUE' : 'FALSE';
    // What is no id names no row, and is not shown to the database, which may not be able to compare it.
    const ids = given.filter(isPublicId);

    const { publicIds } = this.ctx.services;
    const named = ({ table }: Entity): string =>
      `IN (SELECT i.id FROM \`${table}\` i WHERE ${publicIds.among(table, 'i', ids, this.values)})`;
    if (attribute.kind === 'id') {
      // By the key: of a column that may hold nothing it would be unknown.
      if (negated || this.denied) return `${column} ${negated ? 'NOT ' : ''}${named(entity)}`;
      return publicIds.among(entity.table, t, ids, this.values);
    }
    const typeColumn = attribute.any && entity.attributes.get(attribute.any.typeAttribute)?.column;
    const matches = targetsOf(attribute).map((target) => {
      const match = `${column} ${named(target)}`;
      return typeColumn ? `(${t}.\`${typeColumn}\` = '${target.table}' AND ${match})` : match;
    });
    const holds = `${negated ? 'NOT ' : ''}(${matches.join(' OR ')})`;
    // A missing value is neither equal nor unequal; SQL would take it for unequal to ids that name nothing.
    if (this.denied) return `(NOT ${has} OR ${holds})`;
    return negated ? `(${has} AND ${holds})` : holds;
  }

  private comparison(attribute: Attribute, t: string, operator: Operator, value: unknown): string {
    const isNull = nullTest(operator, value);
    if (isNull !== undefined) {
      const column = attribute.sql ? attribute.sql(t) : `${t}.\`${attribute.column}\``;
      return `${column} IS ${isNull ? '' : 'NOT '}NULL`;
    }
    if (value === null) throw badRequest(`${attribute.name}: ${operator} takes no null.`);
    const column = comparedWith(this.ctx, attribute, t, value);
    const bind = (bound: unknown): string => {
      this.values.push(bindable(bound));
      return '?';
    };
    switch (operator) {
      case 'in':
      case 'notIn': {
        const list = value as unknown[];
        if (list.length === 0) return operator === 'in' ? 'FALSE' : 'TRUE';
        return `${column} ${operator === 'in' ? '' : 'NOT '}IN (${list.map(bind).join()})`;
      }
      case 'like':
        return `${column} LIKE ${bind(value)}${likeEscape(this.ctx.services.database.dialect)}`;
      case 'contains':
        return `${column} LIKE ${bind(`%${escapeLike(String(value))}%`)} ESCAPE '!'`;
      case 'startsWith':
        return `${column} LIKE ${bind(`${escapeLike(String(value))}%`)} ESCAPE '!'`;
      case 'endsWith':
        return `${column} LIKE ${bind(`%${escapeLike(String(value))}`)} ESCAPE '!'`;
      default:
        return `${column} ${comparisonSigns[operator as keyof typeof comparisonSigns]} ${bind(value)}`;
    }
  }
}

const comparisonSigns = { eq: '=', ne: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

/** In a caller's own pattern a backslash escapes, as MariaDB has it. */
const likeEscape = (dialect: Dialect): string => (dialect === 'sqlite' ? " ESCAPE '\\'" : '');

/** Is this a test for NULL, and for which way? */
function nullTest(operator: Operator, value: unknown): boolean | undefined {
  if (operator === 'isNull') return value !== false;
  if (operator === 'isNotNull') return value === false;
  if (value === null && operator === 'eq') return true;
  if (value === null && operator === 'ne') return false;
  return undefined;
}

const bindable = (value: unknown): Bindable => {
  if (value instanceof Date) return databaseFromDate(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value as Bindable;
};

/** The condition that makes rows of `child` the children of a parent whose key `is` so, through `attribute`. */
export function childCondition(
  child: Entity,
  attribute: Attribute,
  parent: Entity,
  t: string,
  is: string,
): string {
  const match = `${t}.\`${attribute.column}\` ${is}`;
  if (!attribute.any) return match;
  const typeColumn = child.attributes.get(attribute.any.typeAttribute)?.column ?? '';
  return `${t}.\`${typeColumn}\` = '${parent.table}' AND ${match}`;
}

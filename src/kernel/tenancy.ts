import type { Transaction } from 'sequelize';
import type { Bindable } from '../database/database';
import type { Attribute } from './attributes';
import type { Context, Identity, Viewer } from './context';
import { allEntities, entityOf, type Access, type Entity } from './entity';
import { badRequest, forbidden } from './errors';
import { atLeast, type Level } from './levels';
import { owners, perEntity } from './registry';
import { reaches, type ScopeVerb } from './scopes';
import { phrasesOf } from './search-words';

/*
 * Whose rows a caller may see and change. Every read, write, count, loader, search and filter on a relation passes here; no other
 * file names `account_id` in a condition.
 */

/**
 * The condition on rows (alias `t`) that the caller may see: of the caller's account, and past the rules of the type. Without an
 * account nothing is seen.
 * @throws FORBIDDEN when the caller's level may not read the type at all.
 */
export function scope(ctx: Context, entity: Entity, t: string, values: Bindable[]): string {
  mayRead(ctx, entity);
  const { account } = ctx.viewer;
  const shared = entity.tenant === 'shared';
  if (!account && !shared) return 'FALSE';
  const column = accountColumn(entity, t);
  const mine = account && `${column} = ?`;
  if (account) values.push(account.pk);
  // In old tables 0 refers to nothing.
  const everybodys = shared && `${column} IS NULL OR ${column} = 0`;
  const here = [mine, everybodys].filter(Boolean).join(' OR ');
  return [`(${here})`, ...rowRules(ctx.viewer, entity, t, values)].join(' AND ');
}

/** @throws FORBIDDEN when the caller's level or key may not read the type at all. */
export function mayRead(ctx: Context, entity: Entity): void {
  const { viewer } = ctx;
  const { access, name } = entity;
  if (!atLeast(viewer.level, access.read) && !isHolder(viewer, entity))
    throw forbidden(`Reading ${name} needs level ${access.read}; you are ${viewer.level}.`);
  mayReach(ctx, entity, 'read');
}

/** Has the caller come by the passcode of what objects of this type lead to? */
function isHolder({ holds }: Viewer, { access, attributes }: Entity): boolean {
  return holds !== undefined && attributes.get(access.holder ?? '')?.ref?.type === holds.type;
}

/** @throws FORBIDDEN when the caller may not have the objects of the type counted, compared or listed. */
export function mayList(ctx: Context, entity: Entity): void {
  mayRead(ctx, entity);
  const { viewer } = ctx;
  const { access, plural } = entity;
  const { list = access.read } = access;
  if (!listsAll(viewer, entity))
    throw forbidden(`Listing ${plural} needs level ${list}; you are ${viewer.level}.`);
}

const listsAll = (viewer: Viewer, entity: Entity): boolean =>
  atLeast(viewer.level, entity.access.list ?? entity.access.read) || isHolder(viewer, entity);

/**
 * How many rows a list may have, and be counted to have, where the caller may only search, or name one.
 * @throws FORBIDDEN for a list without a search, and for any page of one but the first.
 */
export function searchLimit(
  ctx: Context,
  entity: Entity,
  { isPage, ...args }: { q?: string | null; filter?: Filter | null; isPage: boolean },
): number | undefined {
  const { search } = entity.access;
  const { filter } = args;
  if (!search || atLeast(ctx.viewer.level, search.below)) return undefined;
  const q = (args.q || (filter?.q as string | undefined))?.trim();
  if (!q && listsAll(ctx.viewer, entity)) return undefined;
  if (!q && !isNamed(filter, search.named)) mayList(ctx, entity);
  const { letters, rows, below } = search;
  if (q && !phrasesOf(q).some((phrase) => [...phrase.replaceAll(' ', '')].length >= letters))
    throw badRequest(`A search of ${entity.plural} takes a word of ${String(letters)} letters or more.`);
  if (isPage) throw forbidden(`Below level ${below} a search of ${entity.plural} has one page.`);
  return rows;
}

type Filter = Record<string, unknown>;

/** Does all that the filter finds have one value, which the caller knows, in one of these attributes? */
const isNamed = (filter: Filter | null | undefined, names: readonly string[]): boolean =>
  filter != null &&
  (names.some((name) => typeof (filter[name] as { eq?: unknown } | undefined)?.eq === 'string') ||
    ((filter.and ?? []) as Filter[]).some((part) => isNamed(part, names)));

/** The types of which the caller may read all objects that are theirs to see. */
export const readableTypes = ({ viewer }: Context): Entity[] =>
  allEntities().filter(
    ({ access, table }) =>
      atLeast(viewer.level, access.list ?? access.read) && reaches(viewer.key.scopes, table, 'read'),
  );

/** @throws FORBIDDEN when the caller's key has scopes, and this is in none. */
export function mayReach(ctx: Context, entity: Entity, verb: ScopeVerb): void {
  const { table } = entity;
  if (!reaches(ctx.viewer.key.scopes, table, verb))
    throw forbidden(`The scopes of your key leave out ${table}:${verb}.`);
  ctx.services.usage.add(ctx, entity, verb);
}

/** @throws FORBIDDEN when the caller's level or key may not do this to the type. */
export function mayWrite(ctx: Context, entity: Entity, verb: 'create' | 'update' | 'remove'): void {
  const { viewer } = ctx;
  const { access, name } = entity;
  const level = access[verb];
  if (!atLeast(viewer.level, level) && !(verb !== 'remove' && isHolder(viewer, entity)))
    throw forbidden(
      level === 'never'
        ? `No caller may ${verb} ${name}: the server does.`
        : `To ${verb} ${name} needs level ${level}; you are ${viewer.level}.`,
    );
  mayReach(ctx, entity, verb);
  // What was written is answered: to refuse that would be too late.
  mayReach(ctx, entity, 'read');
}

/** May the caller read this attribute's true value? */
export const maySee = ({ level }: Viewer, { read }: Attribute): boolean =>
  read === undefined || atLeast(level, read);

/** May the caller set this attribute? */
export const maySet = ({ level }: Viewer, { write }: Attribute): boolean =>
  write === undefined || (write !== 'server' && atLeast(level, write));

const accountColumn = ({ tenant }: Entity, t: string): string =>
  tenant === 'self' ? `${t}.id` : `${t}.account_id`;

/** The attribute that holds the key of a row's account. */
export const accountAttribute = ({ tenant }: Entity): string => (tenant === 'self' ? 'pk' : 'accountId');

/**
 * Rules beyond the account: rows hidden below a level, rows of other people, and rows that belong to an object which is out of
 * sight itself. Empty for most callers and types.
 */
function rowRules(
  viewer: Viewer,
  entity: Entity,
  t: string,
  values: Bindable[],
  { toWrite = false } = {},
): string[] {
  const { hidden, own, read, readAll, writeAll = readAll } = entity.access;
  const all = toWrite ? writeAll : readAll;
  const rules: string[] = [];
  if (viewer.holds && !atLeast(viewer.level, read) && isHolder(viewer, entity)) {
    values.push(viewer.holds.pk);
    rules.push(`${t}.\`${entity.attributes.get(entity.access.holder ?? '')?.column ?? ''}\` = ?`);
  }
  if (hidden && !atLeast(viewer.level, hidden.below)) rules.push(`(${hidden.where(t)}) IS NOT TRUE`);
  if (own && all && isLimitedToOwn(viewer, all)) rules.push(ownCondition(viewer, entity, own, t, values));
  for (const { column, type } of decidingOwners(entity)) {
    const p = `${t}p`;
    const above = rowRules(viewer, entityOf(type), p, values);
    if (above.length > 0)
      rules.push(
        `EXISTS (SELECT 1 FROM \`${type}\` ${p} WHERE ${p}.id = ${t}.\`${column}\` AND ${above.join(' AND ')})`,
      );
  }
  return rules;
}

/** The owners that a row is no more visible than. */
const decidingOwners = perEntity((entity): readonly { column: string; type: string }[] =>
  owners(entity).flatMap(({ name, column, ref }) => {
    if (!ref) return [];
    const { hidden, own } = entityOf(ref.type).access;
    // Nothing to ask of an owner that has no rule of its own, and whose owners are known from the row itself.
    const asked = hidden ?? own ?? !owners(entity).some((other) => other.ref?.through === name);
    return asked ? [{ column, type: ref.type }] : [];
  }),
);

/** Is there a rule, beyond the account, on what of this type the caller may change? */
export const hasRules = ({ viewer }: Context, entity: Entity): boolean =>
  rowRules(viewer, entity, 't', [], { toWrite: true }).length > 0;

/** May the caller change just what an owner may? */
export const editsAsOwner = (
  { viewer }: Context,
  { ownEdits, readAll, writeAll = readAll }: Access,
): boolean => ownEdits !== undefined && writeAll !== undefined && isLimitedToOwn(viewer, writeAll);

const isLimitedToOwn = (viewer: Viewer, all: Level): boolean =>
  !atLeast(viewer.level, all) && !isProgram(viewer);

/** A trusted key without a person acts for its users, as old programs do: it owns nothing and may see what they own. */
const isProgram = ({ person, user, level }: Viewer): boolean => !person && !user && atLeast(level, 'trusted');

function ownCondition(viewer: Viewer, entity: Entity, own: string, t: string, values: Bindable[]): string {
  const [name = '', rest] = own.split('.');
  const attribute = entity.attributes.get(name);
  if (rest && attribute?.ref) {
    const p = `${t}_own`;
    const inner = ownCondition(viewer, entityOf(attribute.ref.type), rest, p, values);
    return `EXISTS (SELECT 1 FROM \`${attribute.ref.type}\` ${p} WHERE ${p}.id = ${t}.\`${attribute.column}\` AND ${inner})`;
  }
  const type = attribute?.kind === 'id' ? entity.table : attribute?.ref?.type;
  const identity =
    type === 'user' ? viewer.user : type === undefined || type === 'person' ? viewer.person : null;
  const conditions: string[] = [];
  if (identity) {
    values.push(identity.pk);
    if (attribute?.kind === 'id') conditions.push(`${t}.id = ?`);
    else conditions.push(`${t}.\`${attribute?.column ?? ''}\` = ${attribute?.ref ? '?' : externalIdSql}`);
  }
  if (viewer.holds?.type === entity.table) {
    values.push(viewer.holds.pk);
    conditions.push(`${t}.id = ?`);
  }
  return conditions.length > 0 ? `(${conditions.join(' OR ')})` : 'FALSE';
}

/** The id of a person in the membership system, by which rows name their owner. */
const externalIdSql = '(SELECT m.external_person_id FROM `person` m WHERE m.id = ?)';

/** Would a key of this level have done, where one of another level was used? */
export function serves(
  level: Level,
  { type, verb, field }: { type: string; verb: ScopeVerb; field: string },
  usedLevel: Level,
): boolean {
  const entity = entityOf(type);
  const { access, attributes } = entity;
  const [lower, used] = [level, usedLevel].map(
    (each) => ({ level: each, person: null, user: null }) as Viewer,
  ) as [Viewer, Viewer];
  const toWrite = verb !== 'read';
  const { list = access.read, search } = access;
  const searched = !toWrite && search && atLeast(usedLevel, search.below) && !atLeast(level, search.below);
  const rulesOf = (viewer: Viewer): string => rowRules(viewer, entity, 't', [], { toWrite }).join();
  const attribute = attributes.get(field);
  const may = toWrite ? maySet : maySee;
  return (
    atLeast(level, toWrite ? access[verb] : list) &&
    !searched &&
    rulesOf(lower) === rulesOf(used) &&
    (!attribute || may(lower, attribute) || !may(used, attribute))
  );
}

/** What {@link owned} needs of a row that was found by its id alone. */
export interface Ownership {
  $account: number | null;
  $visible: number;
}

/** Columns that make a row, found by its id alone, answer whose it is. */
export function ownershipColumns(
  ctx: Context,
  entity: Entity,
  t: string,
  values: Bindable[],
  use?: { toWrite: boolean },
): string {
  const rules = rowRules(ctx.viewer, entity, t, values, use);
  return `NULLIF(${accountColumn(entity, t)}, 0) AS \`$account\`, ${rules.length ? rules.join(' AND ') : '1'} AS \`$visible\``;
}

/**
 * Lets a row pass that the caller may see, or change.
 * @throws FORBIDDEN when it belongs to another account, or a rule of the type is against it.
 */
export function owned<Row extends Ownership>(
  ctx: Context,
  { name, table, tenant, access }: Entity,
  row: Row & { id?: unknown },
  { toWrite = false } = {},
): Row {
  const { viewer, log } = ctx;
  const isGlobal = row.$account === null && tenant === 'shared';
  if (access.withoutAccount && viewer.withoutAccount && !toWrite && row.$visible) return row;
  if (isGlobal ? toWrite : row.$account === null || row.$account !== viewer.account?.pk) {
    if (viewer.level !== 'super') throw forbidden(`This ${name} is not in your account.`);
    log.warn({ type: name, account: row.$account }, 'super crosses into another account');
    if (row.$account !== null)
      ctx.note('crossed', { account: row.$account, objectType: table, objectId: String(row.id ?? '') });
  } else if (!row.$visible) {
    throw forbidden(`This ${name} is not for you to ${toWrite ? 'change' : 'see'}.`);
  }
  return row;
}

/**
 * The account that a new row belongs to: always the caller's. Super, without one, makes what all share.
 * @throws FORBIDDEN when the call came without one.
 */
export function accountForNew(ctx: Context, { tenant }: Entity): Identity | null {
  const { account, level } = ctx.viewer;
  if (!account && !(tenant === 'shared' && level === 'super'))
    throw forbidden('This needs an account: send the header x-account-id.');
  return account;
}

/**
 * The owner of a new row, when its maker may only have rows of their own.
 * @throws FORBIDDEN when the caller is nobody who could own it.
 */
export async function ownerOfNew(
  { viewer, services }: Context,
  { access, attributes, name }: Entity,
  tx: Transaction,
): Promise<{ name: string; value: number | string } | undefined> {
  const { own, holder, readAll, writeAll = readAll } = access;
  if (holder !== undefined && viewer.holds && !atLeast(viewer.level, access.create))
    return { name: holder, value: viewer.holds.pk };
  const attribute = own === undefined ? undefined : attributes.get(own);
  if (!attribute || attribute.kind === 'id' || !writeAll || !isLimitedToOwn(viewer, writeAll))
    return undefined;
  const identity = attribute.ref?.type === 'user' ? viewer.user : viewer.person;
  if (!identity) throw forbidden(`A ${name} belongs to a person: sign in as one.`);
  if (attribute.ref) return { name: attribute.name, value: identity.pk };
  const member = await memberId({ services }, identity, tx);
  if (!member) throw forbidden(`A ${name} belongs to a member: sign in as one.`);
  return { name: attribute.name, value: member };
}

/** The id of a person in the membership system. */
async function memberId(
  { services }: Pick<Context, 'services'>,
  { pk }: Identity,
  tx?: Transaction,
): Promise<string | null> {
  const [member] = await services.database.select<{ id: string | null }>(
    `SELECT ${externalIdSql} AS id`,
    [pk],
    tx,
  );
  return member?.id ?? null;
}

/**
 * Lets pass a row that another may refer to: one of the same account that its reader may see, or a global one.
 * @throws FORBIDDEN
 */
export function mayReferTo(ctx: Context, { tenant, name }: Entity, { $account, $visible }: Ownership): void {
  const here = $account === ctx.viewer.account?.pk || ($account === null && tenant === 'shared');
  if (!here) throw forbidden(`This ${name} is not in your account.`);
  if (!$visible) throw forbidden(`This ${name} is not for you to refer to.`);
}

/* ---- what is told of rows that are gone, or of many ---- */

/** The feed of what all accounts share. */
const sharedFeed = 0;

/** The feeds in which the caller hears of changes: that of what all share, and that of the account. */
export function changeFeedsOf({ viewer }: Context): [number, number] {
  if (!viewer.account) throw forbidden('This needs an account: send the header x-account-id.');
  return [sharedFeed, viewer.account.pk];
}

/**
 * The account whose calls and counts the caller is told of; undefined for super without one, who is told of all.
 * @throws FORBIDDEN when a lesser call came without one.
 */
export function accountOfCounts({ viewer: { account, level } }: Context): number | undefined {
  if (!account && level !== 'super') throw forbidden('This needs an account: send the header x-account-id.');
  return account?.pk;
}

/** The feed in which a change of a row of this account is told; none for rows of the platform itself. */
export const changeFeedOf = ({ tenant }: Entity, account: number | null): number | undefined =>
  account || (tenant === 'shared' ? sharedFeed : undefined);

/** One rule of {@link rowRules} as it was for a row: it is seen from a level on, or by whom it belongs to. */
export interface Limit {
  from: Level;
  owner?: { type: OwnerType; key: number | string | null };
}

type OwnerType = 'person' | 'user' | 'member' | 'holder';

/** The rules that limit who sees these rows, to be kept when the rows go; rows that all readers of the type see have none. */
export async function limitsOf(
  { services }: Context,
  entity: Entity,
  pks: readonly number[],
  tx: Transaction,
): Promise<Map<number, Limit[]>> {
  const { holder, read } = entity.access;
  const least = holder === undefined ? read : 'anonymous';
  const rules = limitColumns(entity, 't').filter(({ from }) => !atLeast(least, from));
  if (rules.length === 0) return new Map();
  const columns = rules.map(({ sql }, index) => `${sql} AS \`${String(index)}\``);
  const rows = await services.database.select<Record<string, number | string | null>>(
    `SELECT t.id AS pk, ${columns.join(', ')} FROM \`${entity.table}\` t WHERE t.id IN (${pks.map(() => '?').join()})`,
    pks,
    tx,
  );
  return new Map(
    rows.map((row) => [
      row.pk as number,
      rules.flatMap(({ from, owner }, index): Limit[] => {
        const value = row[String(index)] ?? null;
        if (owner) return [{ from, owner: { type: owner, key: value } }];
        return value === 0 ? [] : [{ from }];
      }),
    ]),
  );
}

interface LimitColumn {
  from: Level;
  /** Of a rule on owners: what `sql` is the key of; otherwise `sql` is 0 for rows that the rule lets pass. */
  owner?: OwnerType;
  sql: string;
}

function limitColumns(entity: Entity, t: string): LimitColumn[] {
  const { hidden, holder, own, read, readAll } = entity.access;
  const found: LimitColumn[] = [];
  if (holder !== undefined)
    found.push({
      from: read,
      owner: 'holder',
      sql: `${t}.\`${entity.attributes.get(holder)?.column ?? ''}\``,
    });
  if (hidden) found.push({ from: hidden.below, sql: `((${hidden.where(t)}) IS TRUE)` });
  if (own && readAll && !atLeast(read, readAll))
    found.push({ from: readAll, ...ownerColumn(entity, own, t) });
  for (const { column, type } of decidingOwners(entity)) {
    const p = `${t}p`;
    for (const rule of limitColumns(entityOf(type), p))
      found.push({
        ...rule,
        sql: `(SELECT ${rule.sql} FROM \`${type}\` ${p} WHERE ${p}.id = ${t}.\`${column}\`)`,
      });
  }
  return found;
}

function ownerColumn(entity: Entity, own: string, t: string): Required<Pick<LimitColumn, 'owner' | 'sql'>> {
  const [name = '', rest] = own.split('.');
  const attribute = entity.attributes.get(name);
  if (rest && attribute?.ref) {
    const p = `${t}_own`;
    const { owner, sql } = ownerColumn(entityOf(attribute.ref.type), rest, p);
    const { column, ref } = attribute;
    return { owner, sql: `(SELECT ${sql} FROM \`${ref.type}\` ${p} WHERE ${p}.id = ${t}.\`${column}\`)` };
  }
  const isId = attribute?.kind === 'id';
  const type = isId ? entity.table : attribute?.ref?.type;
  return {
    owner: type === undefined ? 'member' : type === 'user' ? 'user' : 'person',
    sql: isId ? `${t}.id` : `${t}.\`${attribute?.column ?? ''}\``,
  };
}

/** Could the caller see a row, of a type that they may read, that was limited so? */
export async function couldSee(ctx: Context, limits: readonly Limit[]): Promise<boolean> {
  const { viewer } = ctx;
  for (const { from, owner } of limits) {
    const passes = owner ? !isLimitedToOwn(viewer, from) : atLeast(viewer.level, from);
    if (!passes && (!owner || owner.key === null || owner.key !== (await identityOf(ctx, owner.type))))
      return false;
  }
  return true;
}

function identityOf(ctx: Context, type: OwnerType): Promise<string | null> | number | undefined {
  const { person, user, holds } = ctx.viewer;
  if (type === 'holder') return holds?.pk;
  if (type === 'user') return user?.pk;
  if (type === 'person' || !person) return person?.pk;
  return ctx.once('member', () => memberId(ctx, person));
}

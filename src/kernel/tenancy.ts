import type { Bindable } from '../database/database';
import type { Attribute } from './attributes';
import type { Context, Identity, Viewer } from './context';
import { entityOf, type Entity } from './entity';
import { forbidden } from './errors';
import { atLeast, type Level } from './levels';
import { owners } from './registry';

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
  if (!account) return 'FALSE';
  values.push(account.pk);
  return [`${accountColumn(entity, t)} = ?`, ...rowRules(ctx.viewer, entity, t, values)].join(' AND ');
}

/** @throws FORBIDDEN when the caller's level may not read the type at all. */
export function mayRead({ viewer }: Context, { access, name }: Entity): void {
  if (!atLeast(viewer.level, access.read))
    throw forbidden(`Reading ${name} needs level ${access.read}; you are ${viewer.level}.`);
}

/** @throws FORBIDDEN when the caller's level may not do this to the type. */
export function mayWrite(
  { viewer }: Context,
  { access, name }: Entity,
  verb: 'create' | 'update' | 'remove',
): void {
  if (!atLeast(viewer.level, access[verb]))
    throw forbidden(`To ${verb} ${name} needs level ${access[verb]}; you are ${viewer.level}.`);
}

/** May the caller read this attribute's true value? */
export const maySee = ({ level }: Viewer, { read }: Attribute): boolean =>
  read === undefined || (read !== 'never' && atLeast(level, read));

/** May the caller set this attribute? */
export const maySet = ({ level }: Viewer, { write }: Attribute): boolean =>
  write === undefined || (write !== 'server' && atLeast(level, write));

const accountColumn = ({ tenant }: Entity, t: string): string =>
  tenant === 'self' ? `${t}.id` : `${t}.account_id`;

/**
 * Rules beyond the account: rows hidden below a level, rows of other people, and rows that belong to an object which is out of
 * sight itself. Empty for most callers and types.
 */
function rowRules(viewer: Viewer, entity: Entity, t: string, values: Bindable[]): string[] {
  const { hidden, own, readAll } = entity.access;
  const rules: string[] = [];
  if (hidden && !atLeast(viewer.level, hidden.below)) rules.push(`(${hidden.where(t)}) IS NOT TRUE`);
  if (own && readAll && seesOwn(viewer, readAll)) rules.push(ownCondition(viewer, entity, own, t, values));
  for (const { name, column, ref } of owners(entity)) {
    if (!ref) continue;
    const { hidden: hides, own: owned } = entityOf(ref.type).access;
    // Nothing to ask of an owner that has no rule of its own, and whose owners are known from the row itself.
    if (!hides && !owned && owners(entity).some((other) => other.ref?.through === name)) continue;
    const p = `${t}p`;
    const above = rowRules(viewer, entityOf(ref.type), p, values);
    if (above.length > 0)
      rules.push(
        `EXISTS (SELECT 1 FROM \`${ref.type}\` ${p} WHERE ${p}.id = ${t}.\`${column}\` AND ${above.join(' AND ')})`,
      );
  }
  return rules;
}

/** Is there a rule, beyond the account, on what of this type the caller sees? */
export const hasRules = ({ viewer }: Context, entity: Entity): boolean =>
  rowRules(viewer, entity, 't', []).length > 0;

/** Is the caller one of those who see their own rows only? */
const seesOwn = (viewer: Viewer, readAll: Level): boolean =>
  !atLeast(viewer.level, readAll) && !isProgram(viewer);

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
  const identity = type === 'user' ? viewer.user : viewer.person;
  if (!identity) return 'FALSE';
  values.push(attribute?.kind === 'string' ? identity.id : identity.pk);
  return attribute?.kind === 'id' ? `${t}.id = ?` : `${t}.\`${attribute?.column ?? ''}\` = ?`;
}

/** What {@link owned} needs of a row that was found by its id alone. */
export interface Ownership {
  $account: number | null;
  $visible: number;
}

/** Columns that make a row, found by its id alone, answer whose it is. */
export function ownershipColumns(ctx: Context, entity: Entity, t: string, values: Bindable[]): string {
  const rules = rowRules(ctx.viewer, entity, t, values);
  return `${accountColumn(entity, t)} AS \`$account\`, ${rules.length ? rules.join(' AND ') : '1'} AS \`$visible\``;
}

/**
 * Lets a row pass that the caller may see.
 * @throws FORBIDDEN when it belongs to another account, or a rule of the type hides it.
 */
export function owned<Row extends Ownership>(ctx: Context, { name }: Entity, row: Row): Row {
  const { viewer, log } = ctx;
  if (row.$account === null || row.$account !== viewer.account?.pk) {
    if (viewer.level !== 'super') throw forbidden(`This ${name} is not in your account.`);
    log.warn({ type: name, account: row.$account }, 'super crosses into another account');
  } else if (!row.$visible) {
    throw forbidden(`This ${name} is not for you to see.`);
  }
  return row;
}

/**
 * The account that a new row belongs to: always the caller's.
 * @throws FORBIDDEN when the call came without one.
 */
export function accountForNew(ctx: Context): Identity {
  if (!ctx.viewer.account) throw forbidden('This needs an account: send the header x-account-id.');
  return ctx.viewer.account;
}

/**
 * Whose a new or changed row must be: of who sees only own rows, nobody else's.
 * @throws FORBIDDEN when the caller is nobody who could own it.
 */
export function ownerOfNew(
  { viewer }: Context,
  { access, attributes, name }: Entity,
): { name: string; pk: number } | undefined {
  const attribute = access.own === undefined ? undefined : attributes.get(access.own);
  if (!attribute?.ref || !access.readAll || !seesOwn(viewer, access.readAll)) return undefined;
  const identity = attribute.ref.type === 'user' ? viewer.user : viewer.person;
  if (!identity) throw forbidden(`A ${name} belongs to a person: sign in as one.`);
  return { name: attribute.name, pk: identity.pk };
}

/**
 * Lets pass a row that another may refer to: one of the same account that its reader may see, or a global one.
 * @throws FORBIDDEN
 */
export function mayReferTo(ctx: Context, { tenant, name }: Entity, { $account, $visible }: Ownership): void {
  const here = $account === ctx.viewer.account?.pk || ($account === null && tenant === 'optional');
  if (!here) throw forbidden(`This ${name} is not in your account.`);
  if (!$visible) throw forbidden(`This ${name} is not for you to refer to.`);
}

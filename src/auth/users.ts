import { randomBytes } from 'node:crypto';
import type { Bindable } from '../database/database';
import type { Context, Viewer } from '../kernel/context';
import { entityOf } from '../kernel/entity';
import { AetherError, badRequest, forbidden } from '../kernel/errors';
import type { Values } from '../kernel/input';
import { atLeast, type Level } from '../kernel/levels';
import { isPublicId } from '../kernel/public-id';
import { databaseFromDate } from '../kernel/scalars';
import { hasRules, mayReach, scope } from '../kernel/tenancy';
import { write } from '../kernel/unit-of-work';
import { changeObject, lockObject, type Locked } from '../kernel/write';
import { networkOf } from './address';
import { isPassword } from './password';
import { digestOf, isSame } from './signed-in';
import { levelOfUser } from './token';

/*
 * Users as those who sign in: found, asked, and changed with the server's own rights, whatever the caller may do with users.
 */

export const wrong = (): AetherError =>
  forbidden('The name or the password is wrong, or the user may not sign in now.');

/** Those who may read all users may be told that there is no such one, as older programs expect; for others it is as if the password was wrong. */
export const unknownUser = (ctx: Context, name: string): AetherError =>
  seesUsers(ctx) ? new AetherError('NOT_FOUND', `There is no user "${name}" in this account.`) : wrong();

export const seesUsers = (ctx: Context): boolean => !hasRules(ctx, entityOf('user'));

export interface UserRow extends Partial<Record<Level, number | null>> {
  pk: number;
  id: string;
  username: string;
  email: string | null;
  person: number | null;
  password_hash: string | null;
  auth_key_hash: string | null;
  auth_key_expires_on: string | null;
  allow_auth_key: number | null;
  enable: number | null;
  enable_from: string | null;
  enable_to: string | null;
  token_version: number | null;
}

/** The same call with the server's own rights to the users of the account. */
export const inCharge = (ctx: Context): Context =>
  ctx.seenBy({ ...ctx.viewer, level: 'super', isServer: true });

/** The user of the account by id, or by name; by e-mail address when no other has the same. */
export async function findUser(
  ctx: Context,
  by: { userId: string | null } | { username: string | null },
): Promise<UserRow | undefined> {
  if (!ctx.viewer.account) throw forbidden('This needs an account: send the header x-account-id.');
  // Before a try is counted, a key used up, or a time of sign-in noted.
  mayReach(inCharge(ctx), entityOf('user'), 'read');
  const { database, publicIds } = ctx.services;
  const values: Bindable[] = [];
  const visible = scope(inCharge(ctx), entityOf('user'), 't', values);
  let named = '(t.username = ? OR t.email = ?)';
  if ('userId' in by) {
    const pk = isPublicId(by.userId) ? await publicIds.find('user', by.userId) : undefined;
    if (pk === undefined) return undefined;
    named = 't.id = ?';
    values.push(pk);
  } else values.push(by.username ?? '', by.username ?? '');
  const rows = await database.select<UserRow>(
    `SELECT t.id AS pk, t.id_random AS id, t.username, t.email, t.password_hash, t.auth_key_hash, t.auth_key_expires_on,
      t.allow_auth_key, t.enable, t.enable_from, t.enable_to, t.token_version, t.\`super\`, t.manager, t.administrator, t.trusted,
      COALESCE(NULLIF(t.person_id, 0), (SELECT MIN(p.id) FROM person p WHERE p.user_id = t.id AND p.account_id = t.account_id)) AS person
      FROM user t WHERE ${visible} AND ${named}`,
    values,
  );
  const name = 'username' in by ? by.username?.toLowerCase() : undefined;
  const row =
    name === undefined
      ? rows[0]
      : (rows.find(({ username }) => username.toLowerCase() === name) ??
        (rows.length === 1 ? rows[0] : undefined));
  if (!row) return undefined;
  const [id = ''] = await publicIds.of('user', [row]);
  return { ...row, id };
}

/** What a key is used for that no level of it is asked for. @throws FORBIDDEN when its scopes leave it out. */
export function noteReach(ctx: Context, verb: 'read' | 'update'): void {
  const signIn = ctx.viewer.signIn ?? { method: null, time: 0 };
  mayReach(ctx.seenBy({ ...ctx.viewer, signIn }), entityOf('user'), verb);
}

/** Who can give others keys and passwords changes users, and could be any of them. @throws FORBIDDEN */
export function mayActForOthers(ctx: Context): void {
  mayReach(ctx, entityOf('user'), 'read');
  noteReach(ctx, 'update');
}

/** May the user sign in at this moment? */
export function isOpen(ctx: Context, { enable, enable_from: from, enable_to: to }: UserRow): boolean {
  const moment = databaseFromDate(ctx.services.now());
  return Boolean(enable) && (!from || moment >= from) && (!to || moment <= to);
}

/** Is the user's level no higher than the caller's? */
export const isInRank = ({ level }: Viewer, user: UserRow): boolean => atLeast(level, levelOfUser(user));

/** Counts wrong guesses at a user, who may be unknown, from whatever address; and from an address, at whatever user. */
export function guessed<T>(
  ctx: Context,
  user: UserRow | undefined,
  name: string,
  check: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const { account } = ctx.viewer;
  const who = user ? user.id : digestOf(name.toLowerCase());
  const names = [`user ${account?.id ?? ''} ${who}`, `password from ${networkOf(ctx.from.address ?? '')}`];
  return ctx.services.attempts.guess(names, check);
}

/** @throws FORBIDDEN when it is wrong; BAD_REQUEST, NOT_FOUND for who may know that there is no password, or no user. */
export async function checkPassword(
  ctx: Context,
  user: UserRow | undefined,
  name: string,
  password: string,
): Promise<void> {
  const right = await guessed(ctx, user, name, async () =>
    (await isPassword(user?.password_hash, password)) ? true : undefined,
  );
  if (right) return;
  if (!user) throw unknownUser(ctx, name);
  if (!user.password_hash && seesUsers(ctx)) throw badRequest('This user has no password.');
  throw wrong();
}

export function mustKeep({ services }: Context, column: string): void {
  if (!services.database.keeps('user', column))
    throw new AetherError('DATABASE_SCHEMA', `This server's database has no column user.${column}.`, {
      databaseCode: 1054,
    });
}

export function changeUser(
  ctx: Context,
  { id }: UserRow,
  valuesOf: (locked: Locked) => Values,
): Promise<void> {
  return write(inCharge(ctx), async (unit) => {
    const entity = entityOf('user');
    const locked = await lockObject(unit, entity, id);
    await changeObject(unit, entity, locked, valuesOf(locked));
  });
}

/** Ends all tokens of a user. */
export const withoutTokens = ({ tokenVersion }: Locked): Values => ({
  tokenVersion: Number(tokenVersion ?? 0) + 1,
});

const dayMs = 86_400_000;

export async function makeAuthKey(
  ctx: Context,
  user: UserRow,
): Promise<{ authKey: string; expiresOn: Date }> {
  mustKeep(ctx, 'auth_key_hash');
  const authKey = randomBytes(24).toString('base64url');
  const expiresOn = new Date(ctx.services.now().getTime() + dayMs);
  await changeUser(ctx, user, () => ({
    authKeyHash: digestOf(authKey),
    authKeyExpiresOn: databaseFromDate(expiresOn),
  }));
  return { authKey, expiresOn };
}

/** Takes the key, if it is this one and still good; of several who bring it at once one is told so. */
export function useUp(ctx: Context, { id }: UserRow, authKey: string): Promise<boolean> {
  return write(inCharge(ctx), async (unit) => {
    const entity = entityOf('user');
    const user = await lockObject(unit, entity, id);
    const now = databaseFromDate(ctx.services.now());
    const { authKeyHash, authKeyExpiresOn } = user;
    const isRight = isSame(String(authKeyHash ?? ''), digestOf(authKey));
    if (!authKeyHash || !isRight || !authKeyExpiresOn || String(authKeyExpiresOn) < now) return false;
    await changeObject(unit, entity, user, { authKeyHash: null, authKeyExpiresOn: null, lastSignInOn: now });
    return true;
  });
}

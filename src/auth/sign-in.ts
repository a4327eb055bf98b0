import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { GraphQLResolveInfo } from 'graphql';
import { decodeJwt } from 'jose';
import { Arg, Ctx, Extensions, Field, ID, Info, Mutation, ObjectType, Resolver } from 'type-graphql';
import { Account } from '../accounts/account';
import { passcodesOf } from '../accounts/passcodes';
import { Site } from '../accounts/site';
import { User } from '../accounts/user';
import type { Bindable } from '../database/database';
import { Context, type Identity, type Viewer } from '../kernel/context';
import { entityOf } from '../kernel/entity';
import {
  AetherError,
  badRequest,
  forbidden,
  notFound,
  unauthenticated,
  unprocessable,
} from '../kernel/errors';
import { atLeast, levelNames, type Level } from '../kernel/levels';
import { isPublicId } from '../kernel/public-id';
import { readOne } from '../kernel/read';
import type { Row } from '../kernel/rows';
import { databaseFromDate } from '../kernel/scalars';
import { fieldsBelow, planOf } from '../kernel/selection';
import { readers } from '../kernel/stored';
import { hasRules, mayReach, scope } from '../kernel/tenancy';
import { write } from '../kernel/unit-of-work';
import type { Values } from '../kernel/input';
import { changeObject, lockObject, type Locked } from '../kernel/write';
import { networkOf } from './address';
import { hashPassword, isOutdated, isPassword } from './password';
import { levelOfUser, lifetimeOf, rolesOf } from './token';

@ObjectType()
export abstract class SignedIn {
  @Field({ description: 'Send it as `Authorization: Bearer` from now on.' })
  jwt!: string;

  @Field({ description: 'Until when the token is good.' })
  expiresOn!: Date;

  @Field(() => levelNames, { description: 'What the token opens.' })
  level!: Level;
}

@ObjectType({ description: 'A user who has signed in.' })
class SignIn extends SignedIn {
  @Field(() => User, { description: 'The user.' })
  user!: Row;
}

@ObjectType({ description: 'Somebody who has entered the passcode of a site.' })
class PasscodeSignIn extends SignedIn {
  @Field(() => Account, { description: 'The account of the site.' })
  account!: Row;

  @Field(() => Site, { description: 'The site.' })
  site!: Row;
}

@ObjectType({ description: 'A token for somebody who has not signed in.' })
class GuestToken extends SignedIn {
  @Field(() => ID, { description: 'Id of the account that it is for.' })
  accountId!: string;
}

@ObjectType({ description: 'A key by which a user signs in once.' })
class AuthKey {
  @Field({ description: 'The key. It is told here only.' })
  authKey!: string;

  @Field({ description: 'Until when it is good.' })
  expiresOn!: Date;
}

const UserId = () => Arg('userId', () => ID, { description: 'Id of the user.' });

const maybe = (description: string) => ({ nullable: true, description });

/*
 * All of these are mutations, those too that change nothing: a wrong try is counted, and no password comes to stand in a URL, as
 * it could in a query.
 */
@Resolver()
export class SignInResolver {
  @Extensions({ level: 'anonymous' })
  @Mutation(() => SignIn, {
    description:
      'Signs a user of the account in: by name and password, or by id and a single-use key. FORBIDDEN: one of them is wrong, or the user may not sign in now. RATE_LIMITED: after ten wrong tries. Stands alone in its operation.',
  })
  async signIn(
    @Arg('username', () => String, maybe('Name of the user, or e-mail address.')) username: string | null,
    @Arg('password', () => String, maybe('The password.')) password: string | null,
    @Arg('userId', () => ID, maybe('Id of the user, instead of the name.')) userId: string | null,
    @Arg('authKey', () => String, maybe('A single-use key, instead of the password.')) authKey: string | null,
    @Ctx() ctx: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<SignIn> {
    alone(info);
    if (!(username || userId) || !(password || authKey))
      throw badRequest('A sign-in takes username and password, or userId and authKey.');
    const user = await findUser(ctx, username ? { username } : { userId });
    const found = await guessed(ctx, user, username || userId || '', async () => {
      if (password) {
        // Compared for nobody, too, and first of all: how long it takes tells nothing.
        if (!(await isPassword(user?.password_hash, password)) || !user || !isOpen(ctx, user))
          return undefined;
        const { password_hash: digest } = user;
        const renewed = isOutdated(digest ?? '') ? await hashPassword(password) : digest;
        await change(ctx, user, ({ passwordHash }) => ({
          lastSignInOn: databaseFromDate(ctx.services.now()),
          // Not over a password that was set meanwhile.
          ...(passwordHash === digest && renewed !== digest && { passwordHash: renewed }),
        }));
        return { ...user, password_hash: renewed };
      }
      return user && isOpen(ctx, user) && (await useUp(ctx, user, authKey ?? '')) ? user : undefined;
    });
    if (!found) throw user ? wrong() : unknownUser(ctx, username || userId || '');
    const method = password ? 'password' : 'auth_key';
    const answer = await signInAs(ctx, found, { method, time: secondsOf(ctx) }, info);
    ctx.note('signed_in', { objectType: 'user', objectId: found.id, detail: { method } });
    return answer;
  }

  @Extensions({ level: 'anonymous' })
  @Mutation(() => PasscodeSignIn, {
    description:
      'Opens a level by a passcode of a site; needs no account. FORBIDDEN: no level of the site has this passcode. RATE_LIMITED: after ten wrong tries. Stands alone in its operation.',
  })
  async signInWithPasscode(
    @Arg('siteId', () => ID, { description: 'Id of the site.' }) siteId: string,
    @Arg('passcode', () => String, { description: 'The passcode: 5 characters or more.' }) passcode: string,
    @Ctx() ctx: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<PasscodeSignIn> {
    alone(info);
    if ([...passcode].length < 5) throw unprocessable('A passcode has 5 characters or more.', 'passcode');
    for (const type of ['account', 'site']) mayReach(inCharge(ctx), entityOf(type), 'read');
    const site = await findSite(ctx, siteId);
    if (!site) throw notFound('Site', siteId);
    const level = await ctx.services.attempts.guess(
      // Not under the site alone: somebody elsewhere would lock out all who are at the event.
      [`site ${site.id} ${networkOf(ctx.from.address ?? '')}`],
      () => Promise.resolve(levelOpenedBy(passcode, site.codes)),
    );
    if (!level) throw forbidden('The passcode is not right.');
    const signIn = { method: 'passcode', time: secondsOf(ctx) };
    ctx.become({ ...ctx.viewer, account: site.account, person: null, user: null, level, signIn });
    ctx.note('signed_in', { objectType: 'site', objectId: site.id, detail: { method: 'passcode' } });
    const token = await issue(ctx, {
      stamp: ctx.services.tokens.stamp({ site: site.id, level, code: passcode }),
      json_str: JSON.stringify({ auth_type: 'passcode', site_id: site.id }),
    });
    const read = (field: 'account' | 'site', id: string): Promise<Row> =>
      readOne(ctx, planOf(info, entityOf(field), ctx.viewer, [field]), id);
    return {
      ...token,
      level,
      account: await read('account', site.account.id),
      site: await read('site', site.id),
    };
  }

  @Extensions({ level: 'anonymous' })
  @Mutation(() => GuestToken, {
    description:
      'A token of level anonymous for an account: a call with it opens no more than that, whatever its key does. FORBIDDEN: there is no such account, or the call is of another.',
  })
  async guestToken(
    @Arg('accountId', () => ID, maybe('Id of the account; left out: that of the call.'))
    accountId: string | null,
    @Ctx() ctx: Context,
  ): Promise<GuestToken> {
    const account = await accountOf(ctx, accountId);
    const signIn = { method: 'guest', time: secondsOf(ctx) };
    const guest = ctx.seenBy({
      ...ctx.viewer,
      account,
      person: null,
      user: null,
      level: 'anonymous',
      signIn,
    });
    const token = await issue(guest, { json_str: JSON.stringify({ auth_type: signIn.method }) });
    return { ...token, level: 'anonymous', accountId: account.id };
  }

  @Extensions({ level: 'anonymous' })
  @Mutation(() => Boolean, {
    description:
      'True when this is the password of the user; FORBIDDEN when it is not. RATE_LIMITED: after ten wrong tries. Stands alone in its operation.',
  })
  async verifyPassword(
    @Arg('userId', () => ID, maybe('Id of the user.')) userId: string | null,
    @Arg('username', () => String, maybe('Name of the user, or e-mail address, instead of the id.'))
    username: string | null,
    @Arg('password', () => String, { description: 'The password.' }) password: string,
    @Ctx() ctx: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<boolean> {
    alone(info);
    const name = userId || username;
    if (!name) throw badRequest('This takes userId or username.');
    const user = await findUser(ctx, userId ? { userId } : { username });
    noteReach(ctx, 'read');
    await checkPassword(ctx, user, name, password);
    return true;
  }

  @Extensions({ level: 'anonymous' })
  @Mutation(() => Boolean, {
    description:
      'Gives a user a new password, of 8 characters or more, and ends all of their tokens. The user needs the current password, unless signed in by a single-use key; an administrator does not, for users of no higher level. Stands alone in its operation.',
  })
  async changePassword(
    @UserId() userId: string,
    @Arg('password', () => String, { description: 'The new password.' }) password: string,
    @Arg('currentPassword', () => String, maybe('The current password.')) currentPassword: string | null,
    @Ctx() ctx: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<boolean> {
    alone(info);
    if ([...password].length < 8) throw unprocessable('A password has 8 characters or more.', 'password');
    const user = await findUser(ctx, { userId });
    const { viewer } = ctx;
    const isSelf = user !== undefined && viewer.user?.pk === user.pk;
    if (!isSelf) {
      if (!seesUsers(ctx)) throw forbidden('The password of another is not yours to change.');
      mayActForOthers(ctx);
    }
    if (currentPassword !== null && currentPassword !== undefined)
      await checkPassword(ctx, user, userId, currentPassword);
    else if (!user) throw unknownUser(ctx, userId);
    const proved = currentPassword != null;
    // Who came by a link has forgotten the password.
    const mayReset = isSelf
      ? !user.password_hash || viewer.signIn?.method === 'auth_key'
      : user && atLeast(viewer.level, 'administrator') && isInRank(viewer, user);
    if (!user || (!proved && !mayReset)) throw forbidden('This needs the current password.');
    mustKeep(ctx, 'password_hash');
    const passwordHash = await hashPassword(password);
    await change(ctx, user, (locked) => ({
      passwordHash,
      authKeyHash: null,
      authKeyExpiresOn: null,
      ...withoutTokens(locked),
    }));
    return true;
  }

  @Extensions({ level: 'anonymous' })
  @Mutation(() => AuthKey, {
    description:
      'Makes a key by which the user signs in once, in the next 24 hours; the one before is no longer good. For the user, and for callers who see all users, up to their own level. Stands alone in its operation.',
  })
  async newAuthKey(
    @UserId() userId: string,
    @Ctx() ctx: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<AuthKey> {
    alone(info);
    const user = await findUser(ctx, { userId });
    if (!user) throw unknownUser(ctx, userId);
    const { viewer } = ctx;
    // Whoever holds the key is the user: it may give nobody more than they have.
    if (viewer.user?.pk !== user.pk) {
      if (!seesUsers(ctx) || !isInRank(viewer, user))
        throw forbidden('The key of another is not yours to make.');
      mayActForOthers(ctx);
    }
    return makeAuthKey(ctx, user);
  }

  @Extensions({ level: 'anonymous' })
  @Mutation(() => Boolean, {
    description:
      'Mails the user a link to sign in by, good once and for 24 hours. Needs a user who may use links. Stands alone in its operation.',
  })
  async sendSignInLink(
    @UserId() userId: string,
    @Arg('rootUrl', () => String, {
      description: 'Page that the link leads to, 10 to 200 characters; on a domain of one of the sites.',
    })
    rootUrl: string,
    @Arg('keyParamName', () => String, {
      defaultValue: 'auth_key',
      description: 'Name of the parameter that holds the key.',
    })
    keyParamName: string,
    @Ctx() ctx: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<boolean> {
    alone(info);
    const link = await checkLink(ctx, rootUrl, keyParamName);
    const user = await findUser(ctx, { userId });
    noteReach(ctx, 'read');
    // Who asks for a link knows the id already, which cannot be guessed: there is nothing to hide.
    if (!user) throw notFound('User', userId);
    if (!isOpen(ctx, user) || !user.allow_auth_key) throw forbidden('This user may not sign in by a link.');
    if (!isAddress.test(user.email ?? '')) throw unprocessable('This user has no e-mail address.', 'id');
    // Each mail counts as a wrong try does: nobody's mailbox is filled by others.
    const names = [
      `link ${user.id}`,
      ...(seesUsers(ctx) ? [] : [`link from ${networkOf(ctx.from.address ?? '')}`]),
    ];
    await ctx.services.attempts.guess(names, () => Promise.resolve(undefined));
    const { authKey } = await makeAuthKey(ctx, user);
    link.searchParams.set('user_id', user.id);
    link.searchParams.set(keyParamName, authKey);
    link.searchParams.set('valid_email', 'True');
    await ctx.services.mail.send({
      to: user.email ?? '',
      subject: `Sign in to ${link.host}`,
      text: `Follow this link to sign in to ${link.host}. It works once, in the next 24 hours:\n\n${link.href}\n\nIf you did not ask for it, there is nothing to do.\n`,
    });
    return true;
  }

  @Extensions({ level: 'anonymous' })
  @Mutation(() => SignIn, {
    description:
      'A new token for the user of the one that the call comes with, which stays good until its own end. UNAUTHENTICATED: there is none, or the user signed in more than 30 days ago. Stands alone in its operation.',
  })
  async refreshToken(@Ctx() ctx: Context, @Info() info: GraphQLResolveInfo): Promise<SignIn> {
    alone(info);
    const { user: caller, signIn } = ctx.viewer;
    if (!caller || !signIn) throw unauthenticated('This takes the token of a user.');
    if (secondsOf(ctx) - signIn.time >= maxAgeSeconds)
      throw unauthenticated('It is 30 days since you signed in: sign in again.');
    const user = await findUser(ctx, { userId: caller.id });
    if (!user) throw forbidden('A token is refreshed in the account of its user.');
    return signInAs(ctx, user, signIn, info);
  }

  @Extensions({ level: 'anonymous' })
  @Mutation(() => Boolean, {
    description:
      'Ends all tokens of a user: of who calls, or, for administrators, of a user of no higher level than their own.',
  })
  async signOutEverywhere(
    @Arg('userId', () => ID, maybe('Id of the user; left out: who calls.')) userId: string | null,
    @Ctx() ctx: Context,
  ): Promise<boolean> {
    const { viewer } = ctx;
    const id = userId ?? viewer.user?.id;
    if (!id) throw unauthenticated('This takes the token of a user, or the id of one.');
    const isSelf = id === viewer.user?.id;
    if (!isSelf && !atLeast(viewer.level, 'administrator'))
      throw forbidden('Only administrators end the tokens of others.');
    const user = await findUser(ctx, { userId: id });
    if (!user) throw notFound('User', id);
    if (!isSelf) {
      if (!isInRank(viewer, user)) throw forbidden('This user is beyond your level.');
      mayActForOthers(ctx);
    }
    mustKeep(ctx, 'token_version');
    await change(ctx, user, withoutTokens);
    return true;
  }
}

/** @throws LIMIT_EXCEEDED when there is more in the operation: a request with many aliases would be many guesses. */
export function alone({ operation, fragments }: GraphQLResolveInfo): void {
  const fields = [...fieldsBelow([operation], fragments, 'Mutation').values()].flat();
  if (fields.length > 1)
    throw new AetherError('LIMIT_EXCEEDED', 'What signs in stands alone in its operation.');
}

const wrong = (): AetherError =>
  forbidden('The name or the password is wrong, or the user may not sign in now.');

/** Those who may read all users may be told that there is no such one, as older programs expect; for others it is as if the password was wrong. */
const unknownUser = (ctx: Context, name: string): AetherError =>
  seesUsers(ctx) ? new AetherError('NOT_FOUND', `There is no user "${name}" in this account.`) : wrong();

const seesUsers = (ctx: Context): boolean => !hasRules(ctx, entityOf('user'));

interface UserRow extends Partial<Record<Level, number | null>> {
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
const inCharge = (ctx: Context): Context => ctx.seenBy({ ...ctx.viewer, level: 'super', isServer: true });

/** The user of the account by id, or by name; by e-mail address when no other has the same. */
async function findUser(
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
function noteReach(ctx: Context, verb: 'read' | 'update'): void {
  const signIn = ctx.viewer.signIn ?? { method: null, time: 0 };
  mayReach(ctx.seenBy({ ...ctx.viewer, signIn }), entityOf('user'), verb);
}

/** Who can give others keys and passwords changes users, and could be any of them. @throws FORBIDDEN */
function mayActForOthers(ctx: Context): void {
  mayReach(ctx, entityOf('user'), 'read');
  noteReach(ctx, 'update');
}

/** May the user sign in at this moment? */
function isOpen(ctx: Context, { enable, enable_from: from, enable_to: to }: UserRow): boolean {
  const moment = databaseFromDate(ctx.services.now());
  return Boolean(enable) && (!from || moment >= from) && (!to || moment <= to);
}

/** One address, and nothing that would make two of it, or a header. */
const isAddress = /^[^\s@<>,;:"()\\]+@[^\s@<>,;:"()\\]+$/;

/** Is the user's level no higher than the caller's? */
const isInRank = ({ level }: Viewer, user: UserRow): boolean => atLeast(level, levelOfUser(user));

/** Counts wrong guesses at a user, who may be unknown, from whatever address; and from an address, at whatever user. */
function guessed<T>(
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
async function checkPassword(
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

const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Are these the same? Takes as long when they are not. */
export const isSame = (a: string, b: string): boolean =>
  timingSafeEqual(Buffer.from(digestOf(a)), Buffer.from(digestOf(b)));

/** The highest level with this passcode; each is compared, whatever was found before. */
function levelOpenedBy(passcode: string, codes: Map<Level, string>): Level | undefined {
  const opened = [...codes].filter(([, code]) => isSame(code, passcode));
  return opened[0]?.[0];
}

function mustKeep({ services }: Context, column: string): void {
  if (!services.database.keeps('user', column))
    throw new AetherError('DATABASE_SCHEMA', `This server's database has no column user.${column}.`, {
      databaseCode: 1054,
    });
}

function change(ctx: Context, { id }: UserRow, valuesOf: (locked: Locked) => Values): Promise<void> {
  return write(inCharge(ctx), async (unit) => {
    const entity = entityOf('user');
    const locked = await lockObject(unit, entity, id);
    await changeObject(unit, entity, locked, valuesOf(locked));
  });
}

/** Ends all tokens of a user. */
const withoutTokens = ({ tokenVersion }: Locked): Values => ({ tokenVersion: Number(tokenVersion ?? 0) + 1 });

const dayMs = 86_400_000;

async function makeAuthKey(ctx: Context, user: UserRow): Promise<AuthKey> {
  mustKeep(ctx, 'auth_key_hash');
  const authKey = randomBytes(24).toString('base64url');
  const expiresOn = new Date(ctx.services.now().getTime() + dayMs);
  await change(ctx, user, () => ({
    authKeyHash: digestOf(authKey),
    authKeyExpiresOn: databaseFromDate(expiresOn),
  }));
  return { authKey, expiresOn };
}

/** Takes the key, if it is this one and still good; of several who bring it at once one is told so. */
function useUp(ctx: Context, { id }: UserRow, authKey: string): Promise<boolean> {
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

/** However often a token is refreshed, after 30 days its user signs in again. */
const maxAgeSeconds = 30 * 86_400;

const secondsOf = ({ services }: Context): number => Math.floor(services.now().getTime() / 1000);

/** Makes the call that of the user, and a token for further ones. */
async function signInAs(
  ctx: Context,
  user: UserRow,
  signIn: NonNullable<Viewer['signIn']>,
  info: GraphQLResolveInfo,
): Promise<SignIn> {
  const { publicIds } = ctx.services;
  const person = user.person ? (await publicIds.load('person', [user.person])).get(user.person) : undefined;
  const level = levelOfUser(user);
  ctx.become({
    ...ctx.viewer,
    user: { pk: user.pk, id: user.id },
    person: user.person && person !== undefined ? { pk: user.person, id: person } : null,
    level,
    signIn,
  });
  const token = await issue(ctx, {
    stamp: ctx.services.tokens.stamp(user),
    json_str: JSON.stringify({ auth_type: signIn.method }),
  });
  return {
    ...token,
    level,
    user: await readOne(ctx, planOf(info, entityOf('user'), ctx.viewer, ['user']), user.id),
  };
}

/** A token for who the call is of by now. */
export async function issue(ctx: Context, claims: object): Promise<{ jwt: string; expiresOn: Date }> {
  const { account, person, user, level, signIn } = ctx.viewer;
  const age = secondsOf(ctx) - (signIn?.time ?? 0);
  const seconds = Math.min(lifetimeOf(level), maxAgeSeconds - age);
  const jwt = await ctx.services.tokens.sign(
    {
      account_id: account?.id ?? null,
      person_id: person?.id ?? null,
      user_id: user?.id ?? null,
      ...rolesOf(level),
      auth_time: signIn?.time ?? secondsOf(ctx),
      ...claims,
    },
    seconds,
  );
  return { jwt, expiresOn: new Date(Number(decodeJwt(jwt).exp) * 1000) };
}

/** The account that is named, or that of the call. @throws FORBIDDEN */
async function accountOf({ viewer, services }: Context, id: string | null): Promise<Identity> {
  const { account } = viewer;
  if (!id || id === account?.id) {
    if (!account) throw forbidden('This needs an account: send the header x-account-id.');
    return account;
  }
  if (account) throw forbidden('The call is of another account.');
  const pk = isPublicId(id) ? await services.publicIds.find('account', id) : undefined;
  if (pk === undefined) throw forbidden('This account is not known.');
  return { pk, id };
}

interface FoundSite {
  id: string;
  account: Identity;
  codes: Map<Level, string>;
}

/** A site that is open, of whatever account; of the caller's when there is one. */
async function findSite(ctx: Context, id: string): Promise<FoundSite | undefined> {
  const { database, publicIds } = ctx.services;
  const pk = isPublicId(id) ? await publicIds.find('site', id) : undefined;
  if (pk === undefined) return undefined;
  const [row] = await database.select<{ account: number; codes: unknown }>(
    `SELECT s.account_id AS account, s.access_code_kv_json AS codes FROM site s JOIN account a ON a.id = s.account_id
      WHERE s.id = ? AND s.enable = 1 AND a.enable = 1`,
    [pk],
  );
  const { account } = ctx.viewer;
  if (!row || (account && account.pk !== row.account)) return undefined;
  const accountId = (await publicIds.load('account', [row.account])).get(row.account) ?? '';
  return { id, account: { pk: row.account, id: accountId }, codes: passcodesOf(readers.json(row.codes)) };
}

/**
 * The page that a link leads to: a page of one of the account's sites, or anybody could have a key sent to themselves.
 * @throws UNPROCESSABLE
 */
async function checkLink(ctx: Context, rootUrl: string, keyParamName: string): Promise<URL> {
  if (!/^(?!user_id$|valid_email$)[A-Za-z][\w-]{0,49}$/.test(keyParamName))
    throw unprocessable('This is not the name of a parameter.', 'key_param_name');
  const refused = unprocessable(
    'A page on a domain of one of your sites, in 10 to 200 characters.',
    'root_url',
  );
  if (rootUrl.length < 10 || rootUrl.length > 200 || !URL.canParse(rootUrl)) throw refused;
  const url = new URL(rootUrl);
  if (!/^https?:$/.test(url.protocol) || url.username || url.password) throw refused;
  const values: Bindable[] = [];
  const visible = scope(inCharge(ctx), entityOf('site_domain'), 't', values);
  const known = await ctx.services.database.select(
    `SELECT t.id FROM site_domain t WHERE ${visible} AND t.enable = 1 AND t.fqdn = ?`,
    [...values, url.host],
  );
  if (known.length === 0) throw refused;
  return url;
}

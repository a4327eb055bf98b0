import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Extensions, Field, ID, Info, Mutation, ObjectType, Resolver } from 'type-graphql';
import { User } from '../accounts/user';
import type { Bindable } from '../database/database';
import { Context, type Viewer } from '../kernel/context';
import { entityOf } from '../kernel/entity';
import { badRequest, forbidden, notFound, unauthenticated, unprocessable } from '../kernel/errors';
import { atLeast } from '../kernel/levels';
import { readOne } from '../kernel/read';
import type { Row } from '../kernel/rows';
import { databaseFromDate } from '../kernel/scalars';
import { planOf } from '../kernel/selection';
import { scope } from '../kernel/tenancy';
import { networkOf } from './address';
import { hashPassword, isOutdated, isPassword } from './password';
import { alone, issue, maxAgeSeconds, secondsOf, SignedIn } from './signed-in';
import { levelOfUser } from './token';
import {
  changeUser,
  checkPassword,
  findUser,
  guessed,
  inCharge,
  isInRank,
  isOpen,
  makeAuthKey,
  mayActForOthers,
  mustKeep,
  noteReach,
  seesUsers,
  unknownUser,
  useUp,
  withoutTokens,
  wrong,
  type UserRow,
} from './users';

@ObjectType({ description: 'A user who has signed in.' })
class SignIn extends SignedIn {
  @Field(() => User, { description: 'The user.' })
  user!: Row;
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
        await changeUser(ctx, user, ({ passwordHash }) => ({
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
    await changeUser(ctx, user, (locked) => ({
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
    await changeUser(ctx, user, withoutTokens);
    return true;
  }
}

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

/** One address, and nothing that would make two of it, or a header. */
const isAddress = /^[^\s@<>,;:"()\\]+@[^\s@<>,;:"()\\]+$/;

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

import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Extensions, Field, ID, Info, Mutation, ObjectType, Resolver } from 'type-graphql';
import { Account } from '../accounts/account';
import { passcodesOf } from '../accounts/passcodes';
import { Site } from '../accounts/site';
import { Context, type Identity } from '../kernel/context';
import { entityOf } from '../kernel/entity';
import { forbidden, notFound, unprocessable } from '../kernel/errors';
import type { Level } from '../kernel/levels';
import { isPublicId } from '../kernel/public-id';
import { readOne } from '../kernel/read';
import type { Row } from '../kernel/rows';
import { planOf } from '../kernel/selection';
import { readers } from '../kernel/stored';
import { mayReach } from '../kernel/tenancy';
import { networkOf } from './address';
import { alone, isSame, issue, secondsOf, SignedIn } from './signed-in';
import { inCharge } from './users';

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

/*
 * Tokens for people who are no users: of a level of a site, by its passcode, and of none.
 */
@Resolver()
export class PasscodeResolver {
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
    @Arg('accountId', () => ID, {
      nullable: true,
      description: 'Id of the account; left out: that of the call.',
    })
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
}

/** The highest level with this passcode; each is compared, whatever was found before. */
function levelOpenedBy(passcode: string, codes: Map<Level, string>): Level | undefined {
  const opened = [...codes].filter(([, code]) => isSame(code, passcode));
  return opened[0]?.[0];
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

import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Extensions, ID, Info, Mutation, ObjectType, Resolver } from 'type-graphql';
import { Context } from '../kernel/context';
import { entityOf } from '../kernel/entity';
import { forbidden } from '../kernel/errors';
import { holderTypes } from '../kernel/input-types';
import { mayReach } from '../kernel/tenancy';
import { networkOf } from './address';
import { passcodeOfObject } from './holder-passcode';
import { alone, isSame, issue, secondsOf, SignedIn } from './signed-in';

@ObjectType({ description: 'Somebody who has entered the passcode of one object.' })
class HolderSignIn extends SignedIn {}

@Resolver()
export class HolderResolver {
  @Extensions({ level: 'anonymous' })
  @Mutation(() => HolderSignIn, {
    description:
      'Opens one object to its owner by its passcode, such as a badge to who wears it; needs no account. The token is that of a guest, who may change of this object what its event allows. FORBIDDEN: it has another passcode, or there is no such object. RATE_LIMITED: after ten wrong tries. Stands alone in its operation.',
  })
  async signInAsHolder(
    @Arg('type', () => holderTypes(), { description: 'Type of the object.' }) type: string,
    @Arg('id', () => ID, { description: 'Id of the object.' }) id: string,
    @Arg('passcode', () => String, { description: 'Its passcode.' }) passcode: string,
    @Ctx() ctx: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<HolderSignIn> {
    alone(info);
    mayReach(ctx, entityOf(type), 'read');
    const { attempts, publicIds, tokens } = ctx.services;
    const held = await passcodeOfObject(ctx.services, { type, id });
    const { account: caller } = ctx.viewer;
    const isHere = held && (!caller || caller.pk === held.account);
    const network = networkOf(ctx.from.address ?? '');
    // As often as for one that is there: nobody finds out so which there are.
    const opened = await attempts.guess([`${type} ${id} ${network}`, `holder from ${network}`], () =>
      Promise.resolve(isSame(held?.code ?? '', passcode) && isHere ? held : undefined),
    );
    if (!opened) throw forbidden('The passcode is not right.');
    const { pk, account, code } = opened;
    const accountId = (await publicIds.load('account', [account])).get(account) ?? '';
    const signIn = { method: 'holder', time: secondsOf(ctx) };
    const who = {
      account: { pk: account, id: accountId },
      person: null,
      user: null,
      holds: { type, id, pk },
    };
    ctx.become({ ...ctx.viewer, ...who, level: 'anonymous', signIn });
    ctx.note('signed_in', { objectType: type, objectId: id, detail: { method: 'holder' } });
    const token = await issue(ctx, {
      stamp: tokens.stamp({ type, id, code }),
      json_str: JSON.stringify({ auth_type: 'holder', object_type: type, object_id: id }),
    });
    return { ...token, level: 'anonymous' };
  }
}

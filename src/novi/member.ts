import { Arg, Ctx, Extensions, Field, ID, ObjectType, Query, Resolver } from 'type-graphql';
import type { Bindable } from '../database/database';
import { Context } from '../kernel/context';
import { entityOf } from '../kernel/entity';
import { forbidden } from '../kernel/errors';
import { scope } from '../kernel/tenancy';
import type { NoviClient, NoviSite } from './client';

declare module '../kernel/context' {
  interface Services {
    novi: NoviClient;
    /** Settings of the environment. Its root wins over that of a site; its key goes to no other root. */
    noviSettings: { rootUrl?: string; apiKey?: string };
  }
}

@ObjectType({ description: 'A member that Novi AMS vouches for.' })
class NoviMember {
  @Field({ description: 'Always true: an unknown member is an error.' })
  verified!: boolean;

  @Field({ description: 'First name and the initial of the last name: "Grace H.".' })
  fullName!: string;

  @Field({ description: 'E-mail address.' })
  email!: string;
}

@Resolver()
export class NoviMemberResolver {
  @Extensions({ level: 'anonymous' })
  @Query(() => NoviMember, {
    nullable: true,
    description:
      'Asks Novi AMS whether this is a member of the account. NOT_FOUND: no such member. RATE_LIMITED and UNAVAILABLE: try again after `retryAfter` seconds.',
  })
  async noviMember(
    @Arg('uuid', () => ID, { description: 'Id of the member in Novi: a UUID.' }) uuid: string,
    @Ctx() ctx: Context,
  ): Promise<NoviMember> {
    if (!ctx.viewer.account) throw forbidden('This needs an account: send the header x-account-id.');
    const { novi } = ctx.services;
    return novi.verify(uuid, await siteOf(ctx));
  }
}

/** The account's first site that is configured for Novi. */
async function siteOf(ctx: Context): Promise<NoviSite> {
  const { database, noviSettings } = ctx.services;
  const values: Bindable[] = [];
  const visible = scope(ctx, entityOf('site'), 't', values);
  const sites = await database.select<{ id: string; cfg: string | null }>(
    `SELECT t.id_random AS id, t.cfg_json AS cfg FROM site t WHERE ${visible} AND t.enable = 1 ORDER BY t.id`,
    values,
  );
  const configured = sites.map(({ id, cfg }) => ({ siteId: id, ...settingsOf(cfg) }));
  const site = configured.find(({ rootUrl, apiKey }) => rootUrl && apiKey) ??
    configured[0] ?? { siteId: 'environment' };
  const { rootUrl, apiKey } = noviSettings;
  return rootUrl === undefined
    ? site
    : { ...site, rootUrl, anywhere: true, ...(apiKey !== undefined && { apiKey }) };
}

function settingsOf(cfg: string | null): { rootUrl?: string; apiKey?: string } {
  try {
    const { novi_api_root_url: rootUrl, novi_idaa_api_key: apiKey } = (JSON.parse(cfg ?? '{}') ??
      {}) as Record<string, unknown>;
    return {
      ...(typeof rootUrl === 'string' && { rootUrl }),
      ...(typeof apiKey === 'string' && { apiKey }),
    };
  } catch {
    return {};
  }
}

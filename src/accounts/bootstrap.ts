import { timingSafeEqual } from 'node:crypto';
import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Extensions, Field, Info, ObjectType, Query, Resolver } from 'type-graphql';
import { Context } from '../kernel/context';
import { entityOf } from '../kernel/entity';
import { AetherError } from '../kernel/errors';
import { readOne } from '../kernel/read';
import type { Row } from '../kernel/rows';
import { fieldsBelow, planOf } from '../kernel/selection';
import { Account } from './account';
import { Site } from './site';
import { SiteDomain } from './site-domain';

@ObjectType({ description: 'What a browser needs to know before it knows anything.' })
class Bootstrap {
  @Field(() => Account, { description: 'The account that the address belongs to.' })
  account!: Row;

  @Field(() => Site, { description: 'Its site.' })
  site!: Row;

  @Field(() => SiteDomain, { description: 'The address itself.' })
  domain!: Row;
}

interface Found extends Record<keyof Bootstrap, number> {
  site_key: string | null;
  domain_key: string | null;
}

@Resolver()
export class BootstrapResolver {
  @Extensions({ level: 'anonymous' })
  @Query(() => Bootstrap, {
    nullable: true,
    description:
      'Finds the tenant of an address, for callers that have a key and no account yet. Null when the address is unknown, or the site asks for an access key and this is not it.',
  })
  async bootstrap(
    @Arg('fqdn', () => String, { description: 'Host name of the page, with its port if it has one.' })
    fqdn: string,
    @Arg('accessKey', () => String, { nullable: true, description: 'Access key of the site; empty is none.' })
    accessKey: string | null,
    @Ctx() ctx: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Record<keyof Bootstrap, Row> | null> {
    once(info);
    const { database, publicIds } = ctx.services;
    const [found] = await database.select<Found>(
      `SELECT d.id AS domain, s.id AS site, a.id AS account,
         s.access_key AS site_key, d.access_key AS domain_key
       FROM site_domain d JOIN site s ON s.id = d.site_id JOIN account a ON a.id = d.account_id
       WHERE d.fqdn = ? AND d.enable = 1 AND s.enable = 1 AND a.enable = 1`,
      [fqdn],
    );
    // The site's key decides; the domain's own only where the site has none.
    if (!found || !opens(found.site_key || found.domain_key, accessKey)) return null;
    const idOf = async (table: string, pk: number): Promise<string> =>
      (await publicIds.load(table, [pk])).get(pk) ?? '';
    const inside = ctx.inAccount({ pk: found.account, id: await idOf('account', found.account) });
    const read = async (field: keyof Bootstrap, table: string): Promise<Row> =>
      readOne(inside, planOf(info, entityOf(table), inside.viewer, [field]), await idOf(table, found[field]));
    return {
      account: await read('account', 'account'),
      site: await read('site', 'site'),
      domain: await read('domain', 'site_domain'),
    };
  }
}

/** @throws LIMIT_EXCEEDED when it stands under several names in the operation: each would be a guess at an access key. */
function once({ operation, fragments, fieldName }: GraphQLResolveInfo): void {
  const fields = fieldsBelow([operation], fragments, 'Query').get(fieldName) ?? [];
  if (new Set(fields.map(({ name, alias = name }) => alias.value)).size > 1)
    throw new AetherError('LIMIT_EXCEEDED', 'An operation finds one address.');
}

/** No key asked for, or the right one given; compared in constant time. */
function opens(asked: string | null, given: string | null): boolean {
  if (!asked) return true;
  const [a, b] = [Buffer.from(asked), Buffer.from(given ?? '')];
  return a.length === b.length && timingSafeEqual(a, b);
}

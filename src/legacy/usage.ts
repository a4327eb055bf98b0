import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import {
  Arg,
  Ctx,
  Extensions,
  Field,
  FieldResolver,
  ID,
  Info,
  Int,
  ObjectType,
  Query,
  registerEnumType,
  Resolver,
  Root,
} from 'type-graphql';
import type { Database } from '../database/database';
import { deprecatedParts } from '../graphql/deprecated';
import { Context } from '../kernel/context';
import { entityOf, findEntity } from '../kernel/entity';
import { badRequest } from '../kernel/errors';
import { objectTypes } from '../kernel/input-types';
import { DateTime, isoFromDatabase, JsonValue, SafeInt } from '../kernel/scalars';
import { accountOfCounts, mayRead } from '../kernel/tenancy';
import { countedSince, lastCalls, linesOf, type LedgerLine } from './ledger';
import { operationText, type OperationText } from './operation-text';
import { legacyRoutes, nameOf, operationOf, type LegacyRoute } from './routes';

enum Generation {
  V1 = 'v1',
  V2 = 'v2',
  V3 = 'v3',
  GRAPH = 'graph',
}
registerEnumType(Generation, {
  name: 'LegacyGeneration',
  description: 'Where something deprecated belongs: a generation of the REST API, or the graph.',
});

@ObjectType({ description: 'An operation of the graph that replaces an old call.' })
class LegacyOperation implements OperationText {
  @Field({ description: 'Its kind and name: `query events`.' })
  name!: string;

  @Field({ description: 'Its text.' })
  document!: string;

  @Field(() => JsonValue, { description: 'Its variables: … stands for what the caller has to put there.' })
  variables!: Record<string, unknown>;
}

@ObjectType({ description: 'Calls of one day that went alike.' })
class LegacyDay {
  @Field({ description: 'The day in UTC: `2026-01-31`.' })
  day!: string;

  @Field({ description: 'How they went, by the first digit of the HTTP status: `2xx`.' })
  status!: string;

  @Field(() => SafeInt, { description: 'How many.' })
  calls!: number;
}

@ObjectType({ description: 'What one program still calls.' })
class LegacyUse {
  @Field({
    description: 'Method and path: `GET /v2/crud/{type}/list`; of the graph the coordinate: `Event.name`.',
  })
  route!: string;

  @Field(() => Generation, { description: 'Where it belongs.' })
  generation!: string;

  @Field(() => objectTypes(), {
    nullable: true,
    description: 'Type of the objects, where the route is for any.',
  })
  type!: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'Id of the API key of the program; null for an unknown one.',
  })
  keyId!: string | null;

  @Field(() => String, { nullable: true, description: 'Name of the key.' })
  keyName!: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of the account that it called for.' })
  accountId!: string | null;

  @Field({
    description: 'What the program calls itself: `apollographql-client-name`, or the kind of its user agent.',
  })
  client!: string;

  @Field({ description: 'Its version, as it says.' })
  clientVersion!: string;

  @Field(() => SafeInt, { description: 'How often.' })
  calls!: number;

  @Field(() => SafeInt, { description: 'How many of them failed.' })
  failures!: number;

  @Field(() => DateTime, { description: 'When it called last.' })
  lastOn!: string;

  @Field(() => [LegacyDay], { description: 'The same by day and by how it went.' })
  days!: LegacyDay[];
}

@ObjectType({ description: 'Something that is deprecated, and whether it can go.' })
class LegacyRouteUsage {
  @Field({ description: 'As in `LegacyUse.route`.' })
  route!: string;

  @Field(() => Generation, { description: 'Where it belongs.' })
  generation!: string;

  @Field({ description: 'What it does; in the graph what to use instead.' })
  summary!: string;

  @Field(() => String, { nullable: true, description: 'Method and path of the REST route that replaces it.' })
  replacement!: string | null;

  @Field(() => DateTime, { nullable: true, description: 'When it may go.' })
  sunset!: Date | null;

  @Field(() => SafeInt, { description: 'How often it was called since then.' })
  calls!: number;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When it was last called, however long ago; null for never.',
  })
  lastOn!: string | null;

  @Field({ description: 'Nobody has called it for `quietDays`, and for so long calls have been counted.' })
  safeToRemove!: boolean;
}

@ObjectType({ description: 'What is deprecated, and who still uses it.' })
class LegacyUsage {
  @Field(() => DateTime, { nullable: true, description: 'Since when calls are counted.' })
  countedSince!: string | null;

  @Field(() => [LegacyUse], { description: 'By program, most calls first.' })
  uses!: LegacyUse[];

  @Field(() => [LegacyRouteUsage], { description: 'By what is deprecated.' })
  routes!: LegacyRouteUsage[];
}

const dayMs = 24 * 3_600_000;

/** More lines are not summed up at once. */
const maxLines = 100_000;

@Resolver(() => LegacyUse)
export class LegacyUsageResolver {
  @Extensions({ level: 'manager' })
  @Query(() => LegacyUsage, {
    nullable: true,
    description:
      'Tells which programs of the account still call what is deprecated, how often and when last, and what can go. Super, without an account, is told of all accounts.',
  })
  async legacyUsage(
    @Arg('since', () => DateTime, {
      nullable: true,
      description: 'From the day of this moment on; without it the last 30 days.',
    })
    since: Date | null,
    @Arg('quietDays', () => Int, {
      defaultValue: 30,
      description: 'What nobody has called for so many days is safe to remove.',
    })
    quietDays: number,
    @Ctx() ctx: Context,
    @Info() { schema }: GraphQLResolveInfo,
  ): Promise<LegacyUsage> {
    if (quietDays < 1 || quietDays > 400) throw badRequest('quietDays is from 1 to 400.');
    const { database, ledger, now } = ctx.services;
    // It tells of the keys of the account.
    mayRead(ctx, entityOf('api_key'));
    const account = accountOfCounts(ctx);
    await ledger.flush();
    const from = since ?? new Date(now().getTime() - 30 * dayMs);
    const [lines, last, begun] = await Promise.all([
      linesOf(database, account, from.toISOString().slice(0, 10), maxLines + 1),
      lastCalls(database, account),
      countedSince(database),
    ]);
    if (lines.length > maxLines)
      throw badRequest('There are too many calls to sum them up: ask for those since a later day.');
    if (account === undefined) noteAccounts(ctx, lines);
    const quietSince = new Date(now().getTime() - quietDays * dayMs).toISOString();
    const counted = isoFromDatabase(begun) ?? null;
    const routes = allDeprecated(schema).map((route): LegacyRouteUsage => {
      const lastOn = isoFromDatabase(last.get(route.route)) ?? null;
      return {
        ...route,
        calls: sum(lines.filter((line) => line.route === route.route)),
        lastOn,
        safeToRemove: counted !== null && counted <= quietSince && (lastOn ?? '') < quietSince,
      };
    });
    return { countedSince: counted, uses: await usesOf(ctx, lines), routes };
  }

  @FieldResolver(() => LegacyOperation, {
    nullable: true,
    description: 'The operation that gives the same; null where there is none, as for bytes.',
  })
  operation(
    @Root() { route, type }: LegacyUse,
    @Info() { schema }: GraphQLResolveInfo,
  ): LegacyOperation | null {
    const found = legacyRoutes.find((each) => nameOf(each) === route);
    const operation = found && operationOf(found, type ?? undefined);
    // Of a call about no type that there is, the operation of any type cannot be written out.
    if (!operation) return null;
    return operationText(schema, operation, filterOf(found));
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Method and path of the REST route that replaces it.',
  })
  replacement(@Root() { route }: LegacyUse): string | null {
    return legacyRoutes.find((each) => nameOf(each) === route)?.becomes ?? null;
  }
}

/** What a lookup compares, as a filter. */
function filterOf({ search }: LegacyRoute): Record<string, unknown> | undefined {
  const name = search && findEntity('user')?.byColumn.get(search.field)?.name;
  return search && { [name ?? search.field]: { eq: '…' } };
}

type Deprecated = Omit<LegacyRouteUsage, 'calls' | 'lastOn' | 'safeToRemove'>;

const allDeprecated = (schema: GraphQLSchema): Deprecated[] => [
  ...legacyRoutes.map((route) => ({
    route: nameOf(route),
    generation: route.generation,
    summary: route.summary,
    replacement: route.becomes,
    sunset: route.sunset,
  })),
  ...deprecatedParts(schema).map(({ name, reason }) => ({
    ...{ route: name, generation: Generation.GRAPH, summary: reason },
    ...{ replacement: null, sunset: null },
  })),
];

const sum = (lines: readonly { calls: number }[]): number => lines.reduce((all, { calls }) => all + calls, 0);

/** Super has looked into these accounts. */
function noteAccounts(ctx: Context, lines: readonly LedgerLine[]): void {
  for (const account of new Set(lines.map((line) => line.account_id)))
    if (account > 0) ctx.note('crossed', { account, objectType: 'legacy_usage' });
}

/** Lines of one program and route together. */
async function usesOf(ctx: Context, lines: readonly LedgerLine[]): Promise<LegacyUse[]> {
  const { publicIds, database } = ctx.services;
  const pks = (column: 'api_key_id' | 'account_id') => [...new Set(lines.map((line) => line[column]))];
  const [keys, accounts, names] = await Promise.all([
    publicIds.load('api_key', pks('api_key_id')),
    publicIds.load('account', pks('account_id')),
    keyNames(database, pks('api_key_id')),
  ]);
  const uses = new Map<string, LegacyUse>();
  for (const line of lines) {
    const { route, type, generation, api_key_id: key, account_id: account, client, client_version } = line;
    const name = JSON.stringify([route, type, key, account, client, client_version]);
    const lastOn = isoFromDatabase(line.last_on) ?? '';
    const use = uses.get(name) ?? {
      ...{ route, generation, type: findEntity(type) ? type : null },
      ...{ keyId: keys.get(key) ?? null, keyName: names.get(key) ?? null },
      ...{ accountId: accounts.get(account) ?? null, client, clientVersion: client_version },
      ...{ calls: 0, failures: 0, lastOn, days: [] },
    };
    uses.set(name, use);
    use.calls += line.calls;
    if (!/^[123]/.test(line.status)) use.failures += line.calls;
    if (lastOn > use.lastOn) use.lastOn = lastOn;
    use.days.push({ day: line.day, status: line.status, calls: line.calls });
  }
  return [...uses.values()].sort((a, b) => b.calls - a.calls);
}

async function keyNames(database: Database, pks: readonly number[]): Promise<Map<number, string | null>> {
  if (pks.length === 0) return new Map();
  const rows = await database.select<{ pk: number; name: string | null }>(
    `SELECT id AS pk, name FROM api_key WHERE id IN (${pks.map(() => '?').join()})`,
    pks,
  );
  return new Map(rows.map(({ pk, name }) => [pk, name]));
}

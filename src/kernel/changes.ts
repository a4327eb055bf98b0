import type { Transaction } from 'sequelize';
import type { Bindable, Database, Dialect } from '../database/database';
import type { TableSpec } from '../database/tables';
import type { Context } from './context';
import { entityOf, type Entity } from './entity';
import { AetherError, badRequest } from './errors';
import { databaseFromDate, isoFromDatabase } from './scalars';
import { changeFeedOf, changeFeedsOf, couldSee, mayList, readableTypes, type Limit } from './tenancy';
import type { Touched, Verb } from './unit-of-work';

/*
 * The feed of changes. Each account has its own; its changes are numbered in the order in which they are written, the last thing
 * that a transaction does. Transactions end in another order: one that wrote a lower number may still be under way. So each holds
 * the row of the feed, together with all others, from before it takes a number until it ends, and a reader that wants to know how
 * far all is there takes that row for itself: then none is under way, and what comes later gets higher numbers.
 */

export const changeTables: TableSpec[] = [
  {
    // The rows that are held. They never change: a transaction that sees the database as it was may not hold what has changed since.
    name: 'change_feed',
    columns: {
      /** The key of an account, or 0 for what all accounts share. */
      id: { type: 'bigint' },
    },
    indexes: [{ columns: ['id'], unique: true }],
  },
  {
    name: 'change_feed_state',
    columns: {
      /** The feed. */
      id: { type: 'bigint' },
      /** All changes up to this number are there, and readers may be told of them. */
      known: { type: 'bigint', default: 0 },
      /** The highest number that is no longer kept. */
      pruned: { type: 'bigint', default: 0 },
    },
    indexes: [{ columns: ['id'], unique: true }],
  },
  {
    name: 'object_change',
    columns: {
      id: { type: 'id' },
      feed: { type: 'bigint' },
      type: { type: 'token', max: 50 },
      object_pk: { type: 'bigint' },
      object_id: { type: 'token', max: 22, nullable: true },
      action: { type: 'token', max: 10 },
      at: { type: 'datetime' },
      /** Of a removed row: who could see it. */
      limits_json: { type: 'json', nullable: true },
    },
    indexes: [{ columns: ['feed', 'id'] }],
  },
];

/** Rows of one statement: SQLite puts at most 500 selects together. */
const chunk = 500;

/** What the feed tells of a row. That of a removed one is gone: its id is told, and who could see it. */
type Recorded = Pick<Touched, 'entity' | 'pk' | 'account' | 'verb' | 'limits'> & { id?: string };

/** Where a transaction writes: the rows that a statement answers. */
export interface Recorder {
  dialect: Dialect;
  rows: (sql: string, values: Bindable[]) => Promise<unknown[]>;
}

export const recorderIn = (database: Database, tx: Transaction): Recorder => ({
  dialect: database.dialect,
  rows: (sql, values) => database.select(sql, values, tx),
});

/** Writes what a transaction has changed into the feeds that tell of it: the last thing that it does. */
export async function recordChanges(into: Recorder, changes: readonly Recorded[], now: Date): Promise<void> {
  const at = databaseFromDate(now);
  const byFeed = new Map<number, Recorded[]>();
  for (const change of changes) {
    const feed = changeFeedOf(change.entity, change.account);
    if (feed === undefined) continue;
    const known = byFeed.get(feed);
    if (known) known.push(change);
    else byFeed.set(feed, [change]);
  }
  // In one order, so that two transactions never wait for each other.
  for (const [feed, told] of [...byFeed].sort(([one], [other]) => one - other))
    for (let start = 0; start < told.length; start += chunk)
      await insertChanges(into, feed, told.slice(start, start + chunk), at);
}

const columns = ['type', 'object_pk', 'object_id', 'action', 'at', 'limits_json'];

async function insertChanges(
  { dialect, rows }: Recorder,
  feed: number,
  changes: readonly Recorded[],
  at: string,
): Promise<void> {
  const values = changes.flatMap(({ entity, pk, id, verb, limits }): Bindable[] => [
    entity.table,
    pk,
    id ?? null,
    verb,
    at,
    limits?.length ? JSON.stringify(limits) : null,
  ]);
  const row = `SELECT ${columns.map((column) => `? AS ${column}`).join()}`;
  const shared = dialect === 'mariadb' ? 'LOCK IN SHARE MODE' : '';
  const insert = () =>
    rows(
      `INSERT INTO object_change (feed, ${columns.join()})
        SELECT f.id, c.* FROM change_feed f JOIN (${changes.map(() => row).join(' UNION ALL ')}) c WHERE f.id = ? ${shared} RETURNING id`,
      [...values, feed],
    );
  if ((await insert()).length > 0) return;
  const ignore = { mariadb: 'ON DUPLICATE KEY UPDATE id = id', sqlite: 'ON CONFLICT (id) DO NOTHING' };
  await rows(`INSERT INTO change_feed (id) VALUES (?) ${ignore[dialect]}`, [feed]);
  await insert();
}

/** One change, as far as it is known without its object. */
export interface Change {
  entity: Entity;
  pk: number;
  id: string | null;
  verb: Verb;
  at: string;
}

export interface ChangePage {
  changes: Change[];
  endCursor: string;
  hasNextPage: boolean;
}

export interface ChangeArgs {
  since?: string | null;
  types?: string[] | null;
  first: number;
}

const maxPage = 1000;

/**
 * The changes after a cursor that are for the caller, by type and of removed rows; whether one may see the rows that are still
 * there is for their reader to ask. Without a cursor none, and the cursor of now.
 * @throws BAD_REQUEST, FORBIDDEN, and GONE when there were changes that are no longer kept.
 */
export async function readChanges(ctx: Context, { since, types, first }: ChangeArgs): Promise<ChangePage> {
  const { database, cursors } = ctx.services;
  const readable = typesFor(ctx, types);
  if (first < 0 || first > maxPage)
    throw badRequest(`A page holds 0 to ${String(maxPage)} changes; ask for further pages with cursors.`);
  const feeds = changeFeedsOf(ctx);
  const name = `changes ${feeds.join()}`;
  const ends = await endsOf(database, feeds);
  if (since == null) return { changes: [], endCursor: cursors.encode(name, ends), hasNextPage: false };

  const starts = cursors.decode(name, since) as number[];
  const place = [...starts];
  const rows: ChangeRow[] = [];
  for (const [index, feed] of feeds.entries()) {
    const [start = 0, end = 0] = [starts[index], ends[index]];
    const wanted = first + 1 - rows.length;
    if (start < end) rows.push(...(await select(database, readable, { feed, start, end, wanted })));
    if (rows.length > first) break;
    place[index] = end;
  }
  // Asked afterwards: what was read may have been pruned meanwhile. A cursor beyond the end is that of a database now gone.
  const kept = await statesOf(database, feeds);
  if (
    kept.some(
      ({ pruned }, index) => Number(starts[index]) < pruned || Number(starts[index]) > Number(ends[index]),
    )
  )
    throw new AetherError(
      'GONE',
      'What changed after this cursor is no longer known: take a new one, and read everything again.',
    );
  const page = rows.slice(0, first);
  const hasNextPage = rows.length > first;
  const last = page.at(-1);
  if (hasNextPage && last) place[feeds.indexOf(last.feed)] = last.number;
  const told = await Promise.all(
    page.map(async ({ limits }) => limits === null || couldSee(ctx, parsed(limits))),
  );
  return {
    changes: page.filter((_, index) => told[index]).map(changeOf),
    endCursor: cursors.encode(name, place),
    hasNextPage,
  };
}

interface ChangeRow {
  feed: number;
  number: number;
  type: string;
  pk: number;
  id: string | null;
  verb: Verb;
  at: string;
  limits: string | null;
}

const select = (
  database: Database,
  types: readonly Entity[],
  { feed, start, end, wanted }: { feed: number; start: number; end: number; wanted: number },
): Promise<ChangeRow[]> =>
  database.select<ChangeRow>(
    `SELECT c.feed, c.id AS number, c.type, c.object_pk AS pk, c.object_id AS id, c.action AS verb, c.at, c.limits_json AS limits
      FROM object_change c WHERE c.feed = ? AND c.id > ? AND c.id <= ? AND c.type IN (${types.map(() => '?').join()})
      ORDER BY c.id LIMIT ?`,
    [feed, start, end, ...types.map(({ table }) => table), wanted],
  );

const parsed = (limits: string): Limit[] => JSON.parse(limits) as Limit[];

const changeOf = ({ type, pk, id, verb, at }: ChangeRow): Change => ({
  entity: entityOf(type),
  pk,
  id,
  verb,
  at: isoFromDatabase(at) ?? at,
});

function typesFor(ctx: Context, types: string[] | null | undefined): Entity[] {
  if (!types) return readableTypes(ctx);
  if (types.length === 0) throw badRequest('types names no type.');
  const wanted = [...new Set(types)].map(entityOf);
  for (const entity of wanted) mayList(ctx, entity);
  return wanted;
}

interface FeedState {
  known: number;
  pruned: number;
  /** The highest number that can be seen: there may be lower ones still to come. */
  newest: number | null;
}

async function statesOf(database: Database, feeds: readonly number[]): Promise<FeedState[]> {
  const states = await database.select<FeedState & { id: number }>(
    `SELECT f.id, COALESCE(s.known, 0) AS known, COALESCE(s.pruned, 0) AS pruned, (${newestOf('f.id')}) AS newest
      FROM change_feed f LEFT JOIN change_feed_state s ON s.id = f.id WHERE f.id IN (${feeds.map(() => '?').join()})`,
    feeds,
  );
  return feeds.map((feed) => states.find(({ id }) => id === feed) ?? { known: 0, pruned: 0, newest: null });
}

const newestOf = (feed: string): string =>
  `SELECT c.id FROM object_change c WHERE c.feed = ${feed} ORDER BY c.id DESC LIMIT 1`;

/**
 * The numbers up to which all changes of each feed are there. Feeds that come first are asked last: what changes of others refer to
 * is known then.
 */
async function endsOf(database: Database, feeds: readonly number[]): Promise<number[]> {
  const ends = (await statesOf(database, feeds)).map(({ known, newest }, index) => ({
    feed: Number(feeds[index]),
    known,
    isBehind: newest !== null && newest > known,
  }));
  for (const end of ends.toReversed()) if (end.isBehind) end.known = await advance(database, end.feed);
  return ends.map(({ known }) => known);
}

/** Waits for those who are about to end, and finds out how far all is there. */
const advance = (database: Database, feed: number): Promise<number> =>
  database.transaction(async (tx) => {
    await takeAlone(database, feed, tx);
    const [newest] = await database.select<{ id: number }>(newestOf('?'), [feed], tx);
    return raise(database, feed, 'known', newest?.id ?? 0, tx);
  });

/** Waits until no other transaction holds the feed: what they have written can be seen then. */
async function takeAlone(database: Database, feed: number, tx: Transaction): Promise<void> {
  const alone = database.dialect === 'mariadb' ? 'FOR UPDATE' : '';
  await database.select(`SELECT id FROM change_feed WHERE id = ? ${alone}`, [feed], tx);
}

/** Raises a number of the feed's state, and answers what it is then. */
async function raise(
  database: Database,
  feed: number,
  column: 'known' | 'pruned',
  number: number,
  tx: Transaction,
): Promise<number> {
  const upsert = {
    mariadb: `ON DUPLICATE KEY UPDATE ${column} = GREATEST(${column}, VALUES(${column}))`,
    sqlite: `ON CONFLICT (id) DO UPDATE SET ${column} = MAX(${column}, excluded.${column})`,
  };
  const [state] = await database.select<{ number: number }>(
    `INSERT INTO change_feed_state (id, ${column}) VALUES (?, ?) ${upsert[database.dialect]} RETURNING ${column} AS number`,
    [feed, number],
    tx,
  );
  return state?.number ?? number;
}

/** How many changes go in one transaction. */
const pruneStep = 1000;

/** Forgets changes older than a moment; may run in several processes at once. */
export async function pruneChanges(database: Database, before: Date): Promise<void> {
  const moment = databaseFromDate(before);
  const feeds = await database.select<{ id: number }>('SELECT id FROM change_feed');
  for (const { id: feed } of feeds) {
    let oldest: { number: number; at: string }[];
    do {
      oldest = await database.select(
        'SELECT id AS number, at FROM object_change WHERE feed = ? ORDER BY id LIMIT ?',
        [feed, pruneStep],
      );
      const newer = oldest.findIndex(({ at }) => at >= moment);
      if (newer >= 0) oldest = oldest.slice(0, newer);
      const last = oldest.at(-1);
      if (last) await forget(database, feed, last.number);
    } while (oldest.length === pruneStep);
  }
}

const forget = (database: Database, feed: number, number: number): Promise<void> =>
  database.transaction(async (tx) => {
    await takeAlone(database, feed, tx);
    await raise(database, feed, 'known', number, tx);
    await raise(database, feed, 'pruned', number, tx);
    await database.select('DELETE FROM object_change WHERE feed = ? AND id <= ?', [feed, number], tx);
  });

import type { Database } from '../database/database';
import type { TableSpec } from '../database/tables';
import type { Context, Origin, Services, Viewer } from '../kernel/context';
import { databaseFromDate } from '../kernel/scalars';
import { createTally, named, type Spare } from '../kernel/tally';
import type { LegacyCall } from './calls';
import { clientOf, type Client } from './client';
import { nameOf } from './routes';

declare module '../kernel/context' {
  interface Services {
    ledger: Ledger;
  }
}

/*
 * The ledger of what is deprecated and still used: calls of old routes and of deprecated parts of the graph, by day, by what was
 * called, by the program that called, and by how that went.
 */

const table = 'legacy_usage';

const columns = [
  'route',
  'type',
  'generation',
  'status',
  'api_key_id',
  'account_id',
  'client',
  'client_version',
] as const;

export const ledgerTables: TableSpec[] = [
  {
    name: table,
    columns: {
      id: { type: 'id' },
      /** `2026-01-31`, in UTC. */
      day: { type: 'token', max: 10 },
      /** `GET /v2/crud/{type}/list`, or in the graph `Event.name`. Empty in the line of a process that has begun to count. */
      route: { type: 'token', max: 190 },
      /** Type of the objects, where the route is for any. */
      type: { type: 'token', max: 50 },
      /** `v1`, `v2`, `v3`, or `graph`. */
      generation: { type: 'token', max: 10 },
      /** `2xx` */
      status: { type: 'token', max: 3 },
      /** 0: not known. */
      api_key_id: { type: 'bigint' },
      account_id: { type: 'bigint' },
      client: { type: 'token', max: 100 },
      client_version: { type: 'token', max: 50 },
      calls: { type: 'bigint' },
      last_on: { type: 'datetime' },
    },
    indexes: [{ columns: ['day', ...columns], unique: true }, { columns: ['account_id', 'day'] }],
  },
];

export interface Ledger {
  /** Counts a call of an old route. */
  add(call: LegacyCall): void;
  /** Counts an operation that used these parts of the graph, which are deprecated. */
  addParts(ctx: Context, parts: readonly string[], failed: boolean): void;
  /** Writes down what is still only counted: called every few seconds, and at the end. */
  flush(): Promise<void>;
}

/** What is counted apart, besides the day. */
interface Use {
  route: string;
  type?: string;
  generation: string;
  status: string;
  viewer?: Viewer;
  from: Origin;
}

/** Programs that a process tells apart by the names that they give themselves, a day and key. The others are one. */
const maxClients = 100;

const others: Client = { name: '(others)', version: '' };

export function createLedger(
  services: Pick<Services, 'database' | 'log' | 'now'> & { spare?: Spare },
): Ledger {
  const { now } = services;
  const tally = createTally(services, { table, columns, keepsLast: true });
  let day = 0;
  const clients = new Map<number, Set<string>>();

  function count({ route, type = '', generation, status, viewer, from }: Use): void {
    const key = viewer?.key.pk ?? 0;
    const { name, version } = toldApart(key, clientOf(from));
    tally.add(named(route, type, generation, status, key, viewer?.account?.pk ?? 0, name, version));
  }

  /** Who names itself otherwise each time fills neither the memory nor the table. */
  function toldApart(key: number, client: Client): Client {
    const today = Math.floor(now().getTime() / dayMs);
    if (today !== day) clients.clear();
    day = today;
    const known = clients.get(key) ?? new Set();
    clients.set(key, known);
    const name = named(client.name, client.version);
    if (!known.has(name) && known.size >= maxClients) return others;
    known.add(name);
    return client;
  }

  // Says from when on there would be calls, had there been any.
  tally.add(named('', '', '', '', 0, 0, '', ''), 0);
  return {
    add({ route, type, viewer, from, status }) {
      count({
        ...{ route: nameOf(route), type, generation: route.generation, viewer, from },
        status: `${String(Math.floor(status / 100))}xx`,
      });
    },
    addParts({ viewer, from }, parts, failed) {
      for (const route of parts)
        count({ route, generation: 'graph', status: failed ? '4xx' : '2xx', viewer, from });
    },
    flush: () => tally.flush(),
  };
}

const dayMs = 24 * 3_600_000;

/** One line of the ledger. */
export interface LedgerLine extends Record<
  'route' | 'type' | 'generation' | 'status' | 'client' | 'day',
  string
> {
  client_version: string;
  /** 0: not known. */
  api_key_id: number;
  account_id: number;
  calls: number;
  /** As the database has it. */
  last_on: string;
}

/** Lines of an account, or of all, from a day on; at most so many. */
export const linesOf = (
  database: Database,
  account: number | undefined,
  since: string,
  max: number,
): Promise<LedgerLine[]> =>
  database.select<LedgerLine>(
    `SELECT day, ${columns.join()}, calls, last_on FROM ${table} WHERE day >= ? AND calls > 0${account === undefined ? '' : ' AND account_id = ?'}
     ORDER BY day, id LIMIT ${String(max)}`,
    account === undefined ? [since] : [since, account],
  );

/** When each route was last called, by an account or by any: as the database has it. */
export async function lastCalls(
  database: Database,
  account: number | undefined,
): Promise<Map<string, string>> {
  const rows = await database.select<{ route: string; last: string }>(
    `SELECT route, MAX(last_on) AS last FROM ${table} WHERE calls > 0${account === undefined ? '' : ' AND account_id = ?'} GROUP BY route`,
    account === undefined ? [] : [account],
  );
  return new Map(rows.map(({ route, last }) => [route, last]));
}

/** Since when calls are counted: as the database has it. */
export async function countedSince(database: Database): Promise<string | undefined> {
  const [row] = await database.select<{ since: string | null }>(
    `SELECT last_on AS since FROM ${table} ORDER BY day, last_on LIMIT 1`,
  );
  return row?.since ?? undefined;
}

/** How many rows go at once. */
const pruneStep = 1000;

/** Forgets calls of before a moment; may run in several processes at once. */
export async function pruneLedger(database: Database, before: Date): Promise<void> {
  const day = databaseFromDate(before).slice(0, 10);
  for (let step = pruneStep; step === pruneStep;) {
    const rows = await database.select<{ id: number }>(
      `SELECT id FROM ${table} WHERE day < ? ORDER BY id LIMIT ?`,
      [day, pruneStep],
    );
    step = rows.length;
    if (step > 0)
      await database.transaction((tx) =>
        database.select(
          `DELETE FROM ${table} WHERE id IN (${rows.map(() => '?').join()})`,
          rows.map(({ id }) => id),
          tx,
        ),
      );
  }
}

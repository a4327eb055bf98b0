import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { demo } from '../../seeders/demo';
import type { Caller } from '../support/callers';
import { redisServer } from '../support/jest-target';
import { onBoth } from './support';
import { useServers, type ServerProcess } from './server-process';

const start = useServers();

/** Calls over all processes; 50 000 take a minute. */
const load = Number(process.env.LEDGER_LOAD ?? 2000);
const atOnce = 16;
/** What a crash may lose, in seconds. */
const atRisk = 10;

interface Kind {
  route: string;
  type: string;
  path: string;
  key: string;
  client: string;
  status: string;
}

const kinds: Kind[] = [
  ['GET /v2/crud/{type}/list', '/v2/crud/event/list?limit=1', 'event', '2xx'],
  ['GET /crud/{type}/{id}', `/crud/event/${demo.event}`, 'event', '2xx'],
  ['GET /{type}/list', '/event_device/list?limit=1', 'event_device', '2xx'],
  ['GET /api/{type}/{id}', '/api/person/NobodyIsThere', 'person', '4xx'],
].flatMap(([route = '', path = '', type = '', status = '']) =>
  [
    [demo.trustedKey, 'kiosk'],
    [demo.trustedKey, 'launcher'],
    [demo.adminKey, 'kiosk'],
  ].map(([key = '', client = '']) => ({ route, type, path, status, key, client })),
);

const nameOf = ({ route, type, key, client, status }: Omit<Kind, 'path'>): string =>
  [route, type, key, client, status].join(' ');

onBoth('the ledger of four servers', (bench, isMariadb) => {
  test(`holds as many calls as were made: ${String(load)} of them`, async () => {
    const place = await bench.place();
    const env = {
      DATA_DIR: place.dataDir,
      LOG_LEVEL: 'info',
      ...{ RATE_PER_MINUTE_ADDRESS: '0', RATE_PER_MINUTE_KEY: '0', RATE_PER_MINUTE_VIEWER: '0' },
      ...(isMariadb && { DATABASE_URL: place.url!, ...(redisServer && { REDIS_URL: redisServer }) }),
    };
    // One after the other: the first fills the database.
    const servers: ServerProcess[] = [];
    for (let n = 0; n < 4; n += 1) servers.push(await start(env));

    const made = new Map<string, number>();
    let number = 0;
    const call = async ({ caller }: { caller: Caller }): Promise<void> => {
      const kind = kinds[(number += 1) % kinds.length]!;
      const response = await caller.fetch(kind.path, {
        headers: { 'x-aether-api-key': kind.key, 'apollographql-client-name': kind.client },
      });
      await response.arrayBuffer();
      expect(`${String(response.status).charAt(0)}xx`).toBe(kind.status);
      made.set(nameOf(kind), (made.get(nameOf(kind)) ?? 0) + 1);
    };
    const callAll = (count: number, of = servers): Promise<unknown> => {
      let left = count;
      return Promise.all(
        Array.from({ length: atOnce }, async (_, n) => {
          while ((left -= 1) >= 0) await call(of[n % of.length]!);
        }),
      );
    };

    const database = await bench.open(place);
    const counted = async (): Promise<Map<string, number>> => {
      const rows = await database.select<Omit<Kind, 'path'> & { calls: number | string }>(
        `SELECT u.route, u.type, k.public_key AS \`key\`, u.client, u.status, SUM(u.calls) AS calls FROM legacy_usage u
         JOIN api_key k ON k.id = u.api_key_id GROUP BY u.route, u.type, k.public_key, u.client, u.status`,
      );
      return new Map(rows.map(({ calls, ...kind }) => [nameOf(kind), Number(calls)]));
    };
    const sum = (counts: Map<string, number>) => [...counts.values()].reduce((all, each) => all + each, 0);

    await callAll(load - 200);
    // Two servers crash, so late after a call that nothing of it may be lost.
    const [crashing, others] = [servers.slice(0, 2), servers.slice(2)];
    const since = Date.now();
    while (sum(await counted()) < load - 200 && Date.now() - since < atRisk * 1000) await sleep(100);
    expect(await counted()).toEqual(made);
    for (const { child } of crashing) child.kill('SIGKILL');
    // The others are stopped at once.
    await callAll(200, others);
    await Promise.all(
      others.map(async ({ child }) => {
        child.kill('SIGTERM');
        await once(child, 'exit');
        expect(child.exitCode).toBe(0);
      }),
    );
    const found = await counted();
    expect(found).toEqual(made);
    expect(sum(found)).toBe(load);
  }, 600_000);
});

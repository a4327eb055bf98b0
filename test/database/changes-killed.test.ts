import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { demo } from '../../seeders/demo';
import { changesSince, cursorOf } from '../support/changes';
import { onBoth } from './support';
import { useServers } from './server-process';

const start = useServers();

onBoth('servers that are killed while they write', (bench, isMariadb) => {
  test('leave every row with its change, and no change without its row', async () => {
    const { url, dataDir } = await bench.place();
    const env = { DATA_DIR: dataDir, ...(url && { DATABASE_URL: url }) };
    let { child, caller } = await start(env);
    const since = await cursorOf(caller);
    const answered: string[] = [];

    for (let round = 0; round < 2; round += 1) {
      const servers = [{ child, caller }, ...(isMariadb ? [await start(env)] : [])];
      const write = async (n: number): Promise<void> => {
        const { caller: here } = servers[n % servers.length]!;
        const inputs = [...Array(1 + (n % 4)).keys()].map((each) => ({
          eventId: demo.event,
          name: `${n} ${each}`,
        }));
        for (;;) {
          const { createEventLocations: made } = await here.ask(
            'mutation ($inputs: [CreateEventLocationInput!]!) { createEventLocations(inputs: $inputs) { nodes { id } } }',
            { inputs },
          );
          answered.push(...made.nodes.map(({ id }: { id: string }) => id));
        }
      };
      const writers = [...Array(8).keys()].map((n) => write(n).catch((error: Error) => error.message));
      await sleep(400 + 200 * round);
      for (const server of servers) {
        server.child.kill('SIGKILL');
        await once(server.child, 'exit');
      }
      expect(new Set(await Promise.all(writers))).toEqual(new Set(['fetch failed']));
      ({ child, caller } = await start(env));
    }

    // What a killed server had begun the database may take a moment to roll back.
    await sleep(200);
    const told = await changesSince(caller, since);
    const rows: string[] = [];
    for (let after: string | null = null; ;) {
      const { eventLocations: page } = await caller.ask(
        `query ($after: String) { eventLocations(first: 1000, after: $after, filter: { event: { id: { eq: "${demo.event}" } },
          name: { like: "_ _" } }) { nodes { id } pageInfo { hasNextPage endCursor } } }`,
        { after },
      );
      rows.push(...page.nodes.map(({ id }: { id: string }) => id));
      after = page.pageInfo.endCursor;
      if (!page.pageInfo.hasNextPage) break;
    }
    expect(told.map(({ action }) => action)).toEqual(rows.map(() => 'CREATED'));
    expect(told.map(({ id }) => id).sort()).toEqual(rows.sort());
    expect(rows).toEqual(expect.arrayContaining(answered));
    expect(answered.length).toBeGreaterThan(50);
  }, 120_000);
});

import { setTimeout as sleep } from 'node:timers/promises';
import { entityOf } from '../../src/kernel/entity';
import { keyOf, useApp } from '../support/app';
import { nextNumber, seedMore } from '../support/fixture';
import { target } from '../support/jest-target';

/* Two servers over one database, as behind a load balancer: what one does, the other must know. */
const one = useApp({ rows: 2 });
const other = useApp({ rows: 2, through: () => one.place });

/** Between servers a change is told by Redis; without it what is remembered of a caller is asked again after five seconds. */
const soon = target === 'mariadb' ? 1_000 : 7_000;

async function becomes(status: number, call: () => Promise<{ status: number }>): Promise<void> {
  const started = Date.now();
  while (Date.now() - started < soon) {
    if ((await call()).status === status) return;
    await sleep(100);
  }
  expect((await call()).status).toBe(status);
}

test('what one writes the other reads, changes and deletes at once', async () => {
  const made = await one.staff().call('POST', '/v3/crud/person/', { given_name: 'Ann' });
  const path = `/v3/crud/person/${made.data.id as string}`;
  expect((await other.staff().call('GET', path)).data).toEqual(made.data);
  await other.staff().call('PATCH', path, { given_name: 'Bea' });
  expect((await one.staff().call('GET', path)).data.given_name).toBe('Bea');
  await one.administrator().call('DELETE', `${path}?method=delete`);
  expect((await other.staff().rest('GET', path)).status).toBe(404);
  const { data } = await other
    .staff()
    .graphql(`{ nodes(ids: ["${made.data.id as string}"], type: person) { id } }`);
  expect(data.nodes).toEqual([null]);
});

test('a key that is switched off here is refused there', async () => {
  const publicKey = `two-servers-${nextNumber()}`;
  const [key] = await seedMore(one.services, entityOf('api_key'), one.here, [
    { publicKey, level: 'trusted', enable: true, enableFrom: null, enableTo: null },
  ]);
  const caller = other.nobody().with({ 'x-aether-api-key': publicKey, 'x-account-id': one.here.account });
  const ask = () => caller.rest('GET', '/v3/crud/event/');
  expect((await ask()).status).toBe(200);
  await one.administrator().call('DELETE', `/v3/crud/api_key/${key!.id}?method=disable`);
  await becomes(403, ask);
});

test('a user who is disabled here is out there', async () => {
  const [user] = await seedMore(one.services, entityOf('user'), one.here, [
    {
      trusted: true,
      enable: true,
      enableFrom: null,
      enableTo: null,
      super: false,
      manager: false,
      administrator: false,
    },
  ]);
  const caller = await other.signedIn('authenticated', { user: user!.id, account: one.here.account });
  const ask = () => caller.rest('GET', '/v3/crud/person/');
  expect((await ask()).status).toBe(200);
  await one.manager().call('DELETE', `/v3/crud/user/${user!.id}?method=disable`);
  await becomes(401, ask);
});

test('a token of one opens the other, and a cursor of one continues there', async () => {
  const token = await one.services.tokens.sign({ account_id: one.here.account, trusted: true }, 60);
  const caller = other
    .nobody()
    .with({ 'x-aether-api-key': keyOf('anonymous'), authorization: `Bearer ${token}` });
  expect((await caller.rest('GET', '/v3/crud/person/')).status).toBe(200);
  const page = (after: string) =>
    `{ events(first: 1, enabled: ALL, hidden: ALL${after}) { nodes { id } pageInfo { endCursor } } }`;
  const first = await one.staff().ask(page(''));
  const next = await other.staff().ask(page(`, after: "${first.events.pageInfo.endCursor as string}"`));
  expect(next.events.nodes).toHaveLength(1);
  expect(next.events.nodes[0].id).not.toBe(first.events.nodes[0].id);
});

// Counts are laid aside in Redis.
if (target === 'mariadb')
  test('what one has counted and cannot write the other does, once', async () => {
    const client = `program ${nextNumber()}`;
    const caller = one.staff().with({ 'apollographql-client-name': client });
    for (let turn = 0; turn < 3; turn += 1) await caller.call('GET', '/v2/crud/event/list');
    const { database, ledger } = one.services;
    const { transaction } = database;
    database.transaction = () => Promise.reject(new Error('The database is gone.'));
    await ledger.flush();
    const counted = async () => {
      const { legacyUsage } = await other.manager().ask('{ legacyUsage { uses { client calls } } }');
      return legacyUsage.uses.filter((use: { client: string }) => use.client === client);
    };
    expect(await counted()).toEqual([{ client, calls: 3 }]);
    database.transaction = transaction;
    await ledger.flush();
    expect(await counted()).toEqual([{ client, calls: 3 }]);
  });

import { allEntities, entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import type { Made } from '../support/factory';
import { seedMore } from '../support/fixture';
import { answered, graph, selectionOf } from '../support/graph';

const app = useApp({ rows: 3 });
const apiKey = entityOf('api_key');

interface Usage {
  uses: { type: string; verb: string; fields: string[]; calls: number; lastDay: string }[];
  smallestGrant: { level: string; scopes: string[] } | null;
}

async function newKey(level = 'super'): Promise<{ key: Made; caller: Caller }> {
  const given = { level, enable: true, enableFrom: null, enableTo: null, scopesJson: null };
  const [key] = await seedMore(app.services, apiKey, app.here, [given]);
  const headers = {
    'x-aether-api-key': String(key!.values.publicKey),
    'x-account-id': app.here.account,
  };
  return { key: key!, caller: app.nobody().with(headers) };
}

async function usageOf({ id }: Made, since?: string): Promise<Usage> {
  const { keyUsage } = await app.administrator().ask(
    `query ($id: ID!, $since: DateTime) { keyUsage(keyId: $id, since: $since) {
      uses { type verb fields calls lastDay } smallestGrant { level scopes } } }`,
    { id, since },
  );
  return keyUsage as Usage;
}

test('tells types, verbs, fields and requests of a key, from whichever door they came', async () => {
  const { key, caller } = await newKey();
  expect(await usageOf(key)).toEqual({ uses: [], smallestGrant: null });
  for (let turn = 0; turn < 3; turn += 1)
    await caller.ask(
      '{ events(filter: { code: { ne: "x" } }) { totalCount nodes { id name sessions { nodes { code } } } } }',
    );
  await caller.call(
    'PATCH',
    `/v3/crud/event_location/${app.here.rows.event_location![0]!.id}?return_obj=false`,
    {
      name: 'Used',
    },
  );
  await caller.rest('POST', '/v3/crud/person/', { nonsense: 'x'.repeat(10), given_name: 'x'.repeat(999) });
  const { uses, smallestGrant } = await usageOf(key);
  const today = new Date().toISOString().slice(0, 10);
  expect(uses).toContainEqual({ type: 'event', verb: 'READ', fields: ['name'], calls: 3, lastDay: today });
  expect(uses).toContainEqual({
    type: 'event_session',
    verb: 'READ',
    fields: ['code'],
    calls: 3,
    lastDay: today,
  });
  expect(uses).toContainEqual({
    type: 'event_location',
    verb: 'UPDATE',
    fields: ['name'],
    calls: 1,
    lastDay: today,
  });
  expect(smallestGrant!.scopes.sort()).toEqual(
    [
      'event:read',
      'event_location:read',
      'event_location:update',
      'event_session:read',
      'person:create',
      'person:read',
    ].sort(),
  );
  expect((await usageOf(key, '2100-01-01T00:00:00Z')).uses).toEqual([]);
  expect((await app.rowOf('api_key', key.id))!.last_used_on).not.toBeNull();
});

test('what a caller did who had signed in needs no level of the key', async () => {
  const { key, caller } = await newKey('anonymous');
  const token = await app.services.tokens.sign({ account_id: app.here.account, manager: true }, 60);
  await caller.with({ authorization: `Bearer ${token}` }).call('GET', '/v3/crud/order/');
  expect((await usageOf(key)).smallestGrant).toEqual({ level: 'anonymous', scopes: ['order:read'] });
});

test('is for administrators of the account of the key', async () => {
  const { key } = await newKey();
  const document = `{ keyUsage(keyId: "${key.id}") { uses { type } } }`;
  for (const caller of [app.staff(), app.otherAccount(), app.guest()])
    expect((await caller.graphql(document)).code).toBe('FORBIDDEN');
});

// To lower a key changes these two.
const types = allEntities()
  .filter(({ table }) => table !== 'api_key' && table !== 'activity_log')
  .map((entity) => ({ type: entity.table, entity }));

describe.each(types)('$type', ({ type, entity }) => {
  test('is served to a key that was lowered to its smallest grant just as before, and nothing else is', async () => {
    const { key, caller } = await newKey();
    const { id } = app.here.rows[type]![0]!;
    // Secrets and what is masked would ask for the highest level.
    const fields = answered(entity).filter(({ read, mask }) => !read && !mask);
    const calls = async (): Promise<unknown[]> => {
      const selection = fields.map(({ name }) => name).join(' ');
      const one = await caller.graphql(`{ object: ${entity.single}(id: "${id}") { ${selection} } }`);
      const list = await graph.list(caller, entity, {}, `totalCount nodes { ${selection} }`);
      return [one.data, list.data, one.errors, list.errors];
    };
    const before = await calls();
    expect(before.slice(2)).toEqual([undefined, undefined]);
    const { smallestGrant } = await usageOf(key);
    expect(smallestGrant!.scopes).toEqual([`${type}:read`]);
    const { level, scopes: scopesJson } = smallestGrant!;
    expect((await graph.update(app.root(), apiKey, key.id, { level, scopesJson })).errors).toBeUndefined();
    expect({ level, answers: await calls() }).toEqual({ level, answers: before });
    const other = entityOf(type === 'event' ? 'person' : 'event');
    expect((await graph.list(caller, other, {}, `nodes { ${selectionOf(other)} }`)).code).toBe('FORBIDDEN');
  });
});

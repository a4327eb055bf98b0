import { getMetadataStorage } from 'type-graphql';
import { allEntities, entityOf } from '../../src/kernel/entity';
import { linesOf } from '../../src/legacy/ledger';
import { legacyRoutes, nameOf } from '../../src/legacy/routes';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { unknownId } from '../support/callers';
import type { Made } from '../support/factory';
import { seedMore } from '../support/fixture';
import { pathOf } from '../support/legacy';
import { recordOf } from '../support/rest';

const reason = 'Ask `explainAccess`.';
// As `@Query({ deprecationReason })` says it.
getMetadataStorage().queries.find(({ methodName }) => methodName === 'keyUsage')!.deprecationReason = reason;

const app = useApp({ rows: 3 });
const list = 'GET /v2/crud/{type}/list';
const one = 'GET /crud/{type}/{id}';

interface Use {
  route: string;
  type: string | null;
  client: string;
  calls: number;
  operation: { name: string; document: string; variables: any } | null;
  [more: string]: any;
}

const fields = `uses { route generation type keyId keyName accountId client clientVersion calls failures lastOn replacement
  operation { name document variables } days { day status calls } }
  routes { route generation summary replacement calls lastOn safeToRemove } countedSince`;

async function usage(
  caller: Caller = app.manager(),
  args = '',
): Promise<{ uses: Use[]; routes: any[]; countedSince: string }> {
  const { legacyUsage } = await caller.ask(`{ legacyUsage${args && `(${args})`} { ${fields} } }`);
  return legacyUsage;
}

/** Calls of one program, whose name is used once. */
const usesOf = async (client: string, caller?: Caller): Promise<Use[]> =>
  (await usage(caller)).uses.filter((use) => use.client === client);

const program = (name: string, version = '1.0', caller = app.staff()) =>
  caller.with({ 'apollographql-client-name': name, 'apollographql-client-version': version });

let names = 0;
const newName = () => `program ${(names += 1)}`;

test('tells which program calls what, how often, how that went, when last, and what replaces it', async () => {
  const name = newName();
  const caller = program(name, '2.1');
  for (let turn = 0; turn < 3; turn += 1) await caller.rest('GET', '/v2/crud/event/list');
  await caller.rest('GET', `/crud/event/${unknownId()}`);
  await program(name, '2.2').rest('GET', '/v2/crud/event/list');
  await caller.rest('GET', '/v2/crud/person/list');
  await caller.rest('GET', '/v3/crud/event/');
  const uses = await usesOf(name);
  const today = new Date().toISOString().slice(0, 10);
  expect(
    uses.map(({ route, type, clientVersion, calls, failures }) => [
      route,
      type,
      clientVersion,
      calls,
      failures,
    ]),
  ).toEqual(
    expect.arrayContaining([
      [list, 'event', '2.1', 3, 0],
      [one, 'event', '2.1', 1, 1],
      [list, 'event', '2.2', 1, 0],
      [list, 'person', '2.1', 1, 0],
    ]),
  );
  expect(uses).toHaveLength(4);
  expect(uses[0]).toMatchObject({
    generation: 'V2',
    keyId: 'TestKey-trusted',
    keyName: 'test trusted',
    accountId: app.here.account,
    replacement: 'GET /v3/crud/{type}/',
    operation: { name: 'query events', variables: { first: 100 } },
    days: [{ day: today, status: '2xx', calls: 3 }],
  });
  expect(Math.abs(Date.parse(uses[0]!.lastOn) - Date.now())).toBeLessThan(60_000);
});

test('calls about no type that there is are told like others, and break nothing', async () => {
  const name = newName();
  const caller = program(name, '', app.guest());
  for (const type of ['no_such_type', '__proto__', 'constructor', '%00', 'x'.repeat(300)])
    for (const path of [`/v2/crud/${type}/list`, `/crud/${type}/${unknownId()}`])
      await caller.rest('GET', path);
  const uses = await usesOf(name);
  expect(uses.map(({ route, type, operation }) => [route, type, operation])).toEqual(
    expect.arrayContaining([
      [list, null, null],
      [one, null, null],
    ]),
  );
});

test.each([
  ['curl/8.5.0', 'curl', '8.5.0'],
  ['python-requests/2.31.0', 'python-requests', '2.31.0'],
  [
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.71 Safari/537.36',
    'Chrome',
    '120',
  ],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/121.0.0.0',
    'Edge',
    '121',
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_2) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/605.1.15',
    'Safari',
    '17',
  ],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0', 'Firefox', '121'],
  [
    'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 launcher/3.2 Chrome/118.0 Electron/27.1.0 Safari/537.36',
    'Electron',
    '27',
  ],
  ['(nothing that has a name)', 'unknown', ''],
])('a program that sends no name is told by its user agent: %s', async (agent, client, version) => {
  await app.staff().with({ 'user-agent': agent }).rest('GET', '/api/event/list');
  const uses = await usesOf(client);
  expect(uses.find(({ route }) => route === 'GET /api/{type}/list')).toMatchObject({
    client,
    clientVersion: version,
    calls: 1,
  });
});

test('deprecated parts of the graph are counted the same way', async () => {
  const name = newName();
  const text = '{ keyUsage(keyId: "TestKey-trusted") { uses { type } } }';
  for (let turn = 0; turn < 2; turn += 1) await program(name, '', app.root()).ask(text);
  await program(name, '', app.staff()).graphql(text);
  await program(name, '', app.root()).ask('{ events { totalCount } }');
  const uses = await usesOf(name);
  expect(
    uses.map(({ route, generation, keyName, calls, failures }) => [
      route,
      generation,
      keyName,
      calls,
      failures,
    ]),
  ).toEqual([
    ['Query.keyUsage', 'GRAPH', 'test super', 2, 0],
    ['Query.keyUsage', 'GRAPH', 'test trusted', 1, 1],
  ]);
  const { routes } = await usage();
  expect(routes.filter(({ generation }) => generation === 'GRAPH')).toEqual([
    expect.objectContaining({ route: 'Query.keyUsage', summary: reason, calls: 3 }),
  ]);
});

test('a manager is told of the own account, super without an account of all, and that is logged', async () => {
  const name = newName();
  await program(name).rest('GET', '/v2/crud/event/list');
  await program(name, '1.0', app.as('trusted', app.there.account)).rest('GET', '/v2/crud/event/list');
  await program(name, '1.0', app.nobody()).rest('GET', '/v2/crud/event/list');
  const accounts = async (caller: Caller) => (await usesOf(name, caller)).map(({ accountId }) => accountId);
  expect(await accounts(app.manager())).toEqual([app.here.account]);
  expect(await accounts(app.root())).toEqual([app.here.account]);
  expect(await accounts(app.otherAccount())).toEqual([app.there.account]);
  expect((await accounts(app.as('super', null))).sort()).toEqual(
    [app.here.account, app.there.account, null].sort(),
  );
  await app.services.notes.flush();
  const crossings = await app
    .manager()
    .ask(
      '{ activityLogs(filter: { action: { eq: "crossed" }, objectType: { eq: "legacy_usage" } }) { totalCount } }',
    );
  expect(crossings.activityLogs.totalCount).toBe(1);
  for (const caller of [app.administrator(), app.staff(), app.as('manager', null)])
    expect((await caller.graphql('{ legacyUsage { countedSince } }')).code).toBe('FORBIDDEN');
});

test('a key that has scopes tells of keys only when these are among them', async () => {
  const given = { level: 'manager', enable: true, enableFrom: null, enableTo: null };
  const [event, keys] = await seedMore(app.services, entityOf('api_key'), app.here, [
    { ...given, scopesJson: ['event:read'] },
    { ...given, scopesJson: ['api_key:read'] },
  ]);
  const by = (key: Made) =>
    app.nobody().with({ 'x-aether-api-key': String(key.values.publicKey), 'x-account-id': app.here.account });
  expect((await by(event!).graphql('{ legacyUsage { countedSince } }')).code).toBe('FORBIDDEN');
  expect((await usage(by(keys!))).routes.length).toBeGreaterThan(10);
});

test('what nobody has called for some days is safe to remove, once so many days have been counted', async () => {
  const { database } = app.services;
  const caller = app.as('super', null);
  await program(newName()).rest('GET', `/crud/event/${app.here.rows.event![0]!.id}`);
  const safe = async (args = '') =>
    new Map(
      (await usage(caller, args)).routes.map(({ route, safeToRemove }) => [route, safeToRemove as boolean]),
    );
  const quiet = 'GET /user/lookup';
  // Counting has only begun.
  expect([...(await safe()).values()]).not.toContain(true);
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
  const set = (sql: string, ...values: string[]) =>
    database.transaction((tx) => database.select(`UPDATE legacy_usage SET ${sql}`, values, tx));
  const at = daysAgo(40);
  await set("day = ?, last_on = ? WHERE route = ''", at.slice(0, 10), at.slice(0, 23).replace('T', ' '));
  expect((await usage(caller)).countedSince).toBe(at);
  const now = await safe();
  expect([now.get(quiet), now.get(one)]).toEqual([true, false]);
  expect((await safe('quietDays: 50')).get(quiet)).toBe(false);
  const ago = daysAgo(31);
  await set(
    'day = ?, last_on = ? WHERE route = ?',
    ago.slice(0, 10),
    ago.slice(0, 23).replace('T', ' '),
    one,
  );
  expect((await safe()).get(one)).toBe(true);
  expect((await safe('quietDays: 32')).get(one)).toBe(false);
  const { uses, routes } = await usage(caller);
  expect(uses.filter(({ route }) => route === one)).toEqual([]);
  expect(routes.find(({ route }) => route === one)).toMatchObject({ calls: 0, lastOn: ago });
  const { uses: earlier } = await usage(caller, `since: "${daysAgo(35)}"`);
  expect(earlier.some(({ route }) => route === one)).toBe(true);
  expect((await caller.graphql('{ legacyUsage(quietDays: 0) { countedSince } }')).code).toBe('BAD_REQUEST');
});

test('every old route is listed, called or not', async () => {
  const { routes } = await usage();
  const rest = routes.filter(({ generation }) => generation !== 'GRAPH');
  expect(rest.map(({ route, replacement }) => [route, replacement])).toEqual(
    legacyRoutes.map((route) => [nameOf(route), route.becomes]),
  );
});

test('REST answers the same, and as a table in which no cell is a formula', async () => {
  const name = '=cmd|"/c calc"!A1, or so';
  await program(name, '@1').rest('GET', '/v2/crud/event/list');
  const path = '/v3/action/legacy/usage';
  const { data, meta } = await app.manager().call('GET', path);
  expect(meta.success).toBe(true);
  const inGraph = (await usage()).uses.find(({ client }) => client === name)!;
  expect(data.uses.find(({ client }: Use) => client === name)).toMatchObject({
    key_id: inGraph.keyId,
    account_id: inGraph.accountId,
    client_version: '@1',
    operation: inGraph.operation,
    days: inGraph.days,
  });
  expect(data.routes.find(({ route }: Use) => route === list).safe_to_remove).toBe(false);

  const csv = await app.manager().fetch(`${path}?format=csv`);
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(csv.headers.get('content-disposition')).toBe('attachment; filename="legacy-usage.csv"');
  const lines = (await csv.text()).split('\r\n');
  expect(lines[0]).toBe(
    'day,route,type,generation,status,calls,key_id,key_name,account_id,client,client_version,last_on,replacement,operation',
  );
  const line = lines.find((each) => each.includes('calc'))!;
  expect(line).toContain(`,"'=cmd|""/c calc""!A1, or so",'@1,`);
  expect(line).toMatch(/,GET \/v3\/crud\/\{type\}\/,query events$/);
  const days: unknown[] = data.uses.flatMap((use: Use) => use.days);
  expect(lines.filter(Boolean)).toHaveLength(days.length + 1);

  const later = await app.manager().call('GET', `${path}?since=2100-01-01&quiet_days=7`);
  expect(later.data.uses).toEqual([]);
  expect((await app.manager().rest('GET', `${path}?since=yesterday`)).status).toBe(400);
  expect((await app.manager().rest('GET', `${path}?quiet_days=x`)).status).toBe(400);
  expect((await app.administrator().rest('GET', path)).status).toBe(403);
});

test('who takes another name each time fills neither the memory nor the table', async () => {
  const path = `/v2/crud/event/${app.here.rows.event![0]!.id}`;
  const caller = app.as('public');
  const many = 150;
  for (let turn = 0; turn < many; turn += 1) await program(`name ${turn}`, '1', caller).rest('GET', path);
  const uses = (await usage()).uses.filter(({ keyName }) => keyName === 'test public');
  expect(uses).toHaveLength(101);
  expect(uses[0]).toMatchObject({ client: '(others)', calls: 50 });
  expect(uses.reduce((sum: number, use) => sum + use.calls, 0)).toBe(many);
});

test('what a program calls itself is not taken for more than a name', async () => {
  const long = 'x'.repeat(2000);
  await app
    .staff()
    .with({ 'apollographql-client-name': `caf\u00e9\t${long}`, 'apollographql-client-version': long })
    .rest('GET', '/v2/crud/event/list');
  const [use] = (await usage()).uses.filter(({ client }) => client.startsWith('caf'));
  expect(use).toMatchObject({ client: expect.stringMatching(/^caf\?+x+$/), clientVersion: 'x'.repeat(50) });
  expect(use!.client).toHaveLength(100);
});

test('nothing that was called while the database was gone is lost, or counted twice', async () => {
  const name = newName();
  const { database, ledger } = app.services;
  const { transaction } = database;
  database.transaction = () => Promise.reject(new Error('The database is gone.'));
  for (let turn = 0; turn < 3; turn += 1) {
    await program(name).rest('GET', '/v2/crud/event/list');
    await ledger.flush();
  }
  database.transaction = transaction;
  await program(name).rest('GET', '/v2/crud/event/list');
  await ledger.flush();
  await ledger.flush();
  expect((await usesOf(name)).map(({ calls }) => calls)).toEqual([4]);
  expect(await linesOf(database, undefined, '', 10_000)).not.toContainEqual(
    expect.objectContaining({ route: '' }),
  );
});

describe.each(allEntities().map((entity) => [entity.table, entity] as const))('%s', (type, entity) => {
  test('the operation that replaces a call gives the same data', async () => {
    const name = newName();
    const caller = program(name, '1', app.root());
    const { id } = app.here.rows[type]![0]!;
    const [listed, read] = [
      legacyRoutes.find((route) => nameOf(route) === list)!,
      legacyRoutes.find((route) => nameOf(route) === one)!,
    ];
    const records = (await caller.call('GET', pathOf(listed, { type }))).data as Use[];
    const record = (await caller.call('GET', pathOf(read, { type, id }))).data as Use;
    const uses = await usesOf(name, app.root());
    const operationFor = (route: string) => uses.find((use) => use.route === route)!.operation!;
    const many = operationFor(list);
    const { [entity.plural]: connection } = await caller.ask(many.document, many.variables);
    const values = (object: any) => recordOf(entity, object);
    expect(records).toMatchObject(connection.nodes.map(values));
    const single = operationFor(one);
    const { [entity.single]: object } = await caller.ask(single.document, { ...single.variables, id });
    expect(record).toMatchObject(values(object));
    expect(entityOf(type).name).toBe(entity.name);
  });
});

import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { allToManys, toOnes } from '../../src/kernel/registry';
import { scopeVerbs } from '../../src/kernel/scopes';
import { keepsRows, useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { valuesFor, type Made } from '../support/factory';
import { nextNumber, seedMore } from '../support/fixture';
import { graph } from '../support/graph';
import { bodyOf } from '../support/rest';

const app = useApp({ rows: 2 });
const rows = keepsRows(app);

/** A key of the highest level, with scopes that each test sets. */
let key: Made;
beforeAll(async () => {
  const given = { level: 'super', enable: true, enableFrom: null, enableTo: null, scopesJson: null };
  [key] = (await seedMore(app.services, entityOf('api_key'), app.here, [given])) as [Made];
  await rows.settle();
});

async function withScopes(...scopesJson: string[]): Promise<Caller> {
  const { errors } = await graph.update(app.root(), entityOf('api_key'), key.id, { scopesJson });
  expect(errors).toBeUndefined();
  return app
    .nobody()
    .with({ 'x-aether-api-key': String(key.values.publicKey), 'x-account-id': app.here.account });
}

const types = allEntities().map((entity) => ({ type: entity.table, entity }));
const other = (entity: Entity): string => (entity.table === 'event' ? 'person' : 'event');
const expectRefused = (answer: object, type: string, verb: string): void =>
  expect(answer).toMatchObject({
    code: 'FORBIDDEN',
    errors: [{ message: `The scopes of your key leave out ${type}:${verb}.` }],
  });

describe.each(types)('$type', ({ type, entity }) => {
  const first = () => app.here.rows[type]![0]!.id;

  test('is read by a key whose scopes have it, and by no other, at every door', async () => {
    for (const scope of [`${type}:read`, `${type}:*`, '*:read', '*:*']) {
      const caller = await withScopes(scope);
      expect({ scope, ...(await graph.read(caller, entity, first())) }).toMatchObject({
        scope,
        status: 200,
        errors: undefined,
      });
      expect((await caller.rest('GET', `/v3/crud/${type}/`)).status).toBe(200);
    }
    const caller = await withScopes(`${other(entity)}:*`, `${type}:create`, '*:update');
    expectRefused(await graph.read(caller, entity, first()), type, 'read');
    expectRefused(await graph.list(caller, entity), type, 'read');
    expectRefused(await caller.graphql(`{ node(type: ${type}, id: "${first()}") { id } }`), type, 'read');
    for (const path of ['/', `/${first()}`, '/?limit=999999'])
      expect((await caller.rest('GET', `/v3/crud/${type}${path}`)).status).toBe(403);
    expect((await caller.rest('POST', `/v3/crud/${type}/search`, {})).status).toBe(403);
  });

  test('is written by a key whose scopes have the verb and reading, and by no other', async () => {
    if (entity.access.create === 'never' || entity.tenant === 'self') return;
    const input = valuesFor(entity, app.here, nextNumber());
    const attempts = (caller: Caller) => ({
      create: () => graph.create(caller, entity, input),
      update: () => graph.update(caller, entity, first(), {}),
      remove: () => graph.remove(caller, entity, first(), 'DELETE'),
    });
    for (const verb of ['create', 'update', 'remove'] as const) {
      const without = scopeVerbs.filter((each) => each !== verb).map((each) => `${type}:${each}`);
      const caller = await withScopes(...without, `${other(entity)}:*`);
      expectRefused(await attempts(caller)[verb](), type, verb);
      const blind = await withScopes(`${type}:${verb}`);
      expectRefused(await attempts(blind)[verb](), type, 'read');
    }
    // Keys that reach further are out of reach themselves: see below.
    if (type === 'api_key') return;
    const caller = await withScopes(...scopeVerbs.map((verb) => `${type}:${verb}`));
    expect((await attempts(caller).update()).errors).toBeUndefined();
    expect((await caller.rest('POST', `/v3/crud/${type}/validate`, bodyOf(entity, input))).status).toBe(200);
  });
});

test('what leads from one type to another stops where the scopes do', async () => {
  for (const { parent, child, field } of allToManys()) {
    if (parent === child) continue;
    const caller = await withScopes(`${parent.table}:read`);
    const { id } = app.here.rows[parent.table]![0]!;
    expectRefused(
      await caller.graphql(`{ parent: ${parent.single}(id: "${id}") { id list: ${field} { totalCount } } }`),
      child.table,
      'read',
    );
    expectRefused(
      await graph.list(caller, parent, { filter: { [field]: { some: {} } } }, 'nodes { id }'),
      child.table,
      'read',
    );
  }
});

test('a reference is followed only into a type of the scopes', async () => {
  for (const { entity } of types)
    for (const { field, attribute } of toOnes(entity)) {
      if (!attribute.ref || attribute.ref.type === entity.table) continue;
      const object = app.here.rows[entity.table]!.find(({ values }) => values[attribute.name] != null);
      if (!object || attribute.read) continue;
      const caller = await withScopes(`${entity.table}:read`);
      expectRefused(
        await caller.graphql(`{ object: ${entity.single}(id: "${object.id}") { id ${field} { id } } }`),
        attribute.ref.type,
        'read',
      );
    }
});

describe('the bytes of files', () => {
  test('need hosted_file:read, by hash too', async () => {
    const path = `/v3/action/hosted_file/hash/${'0'.repeat(64)}/download`;
    expect((await (await withScopes('event:*')).rest('GET', path)).status).toBe(403);
    expect((await (await withScopes('hosted_file:read')).rest('GET', path)).status).toBe(404);
    const upload = '/v3/action/event_file/upload';
    expect((await (await withScopes('event_file:*')).rest('POST', upload)).status).toBe(403);
  });
});

test('the feed of changes leaves out what the scopes do', async () => {
  const caller = await withScopes('event:read');
  const { changes } = await caller.ask('{ changes { endCursor } }');
  const name = 'Heard of by those who may';
  await graph.update(app.root(), entityOf('event'), app.here.rows.event![0]!.id, { name });
  await graph.update(app.root(), entityOf('person'), app.here.rows.person![0]!.id, { name });
  const asked = `changes(since: ${JSON.stringify(changes.endCursor)}`;
  const told = await caller.ask(`{ ${asked}) { nodes { type } } }`);
  expect(told.changes.nodes).toEqual([{ type: 'event' }]);
  expectRefused(await caller.graphql(`{ ${asked}, types: [person]) { nodes { type } } }`), 'person', 'read');
});

test('scopes that are no scopes are refused; those in the database open nothing', async () => {
  const entity = entityOf('api_key');
  for (const scopesJson of [
    {},
    'event:read',
    ['event'],
    ['event:write'],
    ['no_type:read'],
    ['event:read:x'],
    [1],
    [null],
  ])
    expect(await graph.update(app.root(), entity, key.id, { scopesJson })).toMatchObject({
      code: 'VALIDATION',
    });
  const caller = await withScopes();
  expectRefused(await graph.list(caller, entityOf('event')), 'event', 'read');
  for (const stored of ['{}', '"*:*"', '[1]', 'true']) {
    await app.services.database.transaction((tx) =>
      app.services.database.select(
        'UPDATE api_key SET scopes_json = ? WHERE id_random = ?',
        [stored, key.id],
        tx,
      ),
    );
    app.services.viewers.forget();
    expectRefused(await graph.list(caller, entityOf('event')), 'event', 'read');
  }
});

test('a key makes none that reaches further than itself, and touches none that does', async () => {
  const caller = await withScopes('api_key:*', 'event:read');
  const entity = entityOf('api_key');
  const made = (scopesJson?: unknown) => {
    const values = valuesFor(entity, app.here, nextNumber());
    return graph.create(caller, entity, { ...values, level: 'trusted', scopesJson });
  };
  for (const scopes of [undefined, null, ['*:*'], ['event:*'], ['*:read'], ['event:read', 'person:read']])
    expect({ scopes, ...(await made(scopes)) }).toMatchObject({ scopes, code: 'FORBIDDEN' });
  const { data, errors } = await made(['event:read']);
  expect(errors).toBeUndefined();
  const { id } = data.payload.object;
  expect((await graph.update(caller, entity, id, { scopesJson: null })).code).toBe('FORBIDDEN');
  expect((await graph.update(caller, entity, id, { name: 'renamed' })).errors).toBeUndefined();
  const [wide] = await seedMore(app.services, entity, app.here, [{ level: 'trusted', scopesJson: null }]);
  for (const attempt of [
    graph.update(caller, entity, wide!.id, { name: 'mine' }),
    graph.remove(caller, entity, wide!.id, 'DELETE'),
    caller.graphql(`mutation { issueApiKeySecret(id: "${wide!.id}") { secretKey } }`),
    caller.graphql(`mutation { revokeApiKey(id: "${wide!.id}") { id } }`),
  ])
    expect((await attempt).code).toBe('FORBIDDEN');
  await graph.remove(app.root(), entity, id, 'DELETE');
  await graph.remove(app.root(), entity, wide!.id, 'DELETE');
});

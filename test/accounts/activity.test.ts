import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { pruneActivity } from '../../src/kernel/activity';
import { atLeast } from '../../src/kernel/levels';
import { isWritable } from '../../src/kernel/input-types';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { valuesFor, type Values } from '../support/factory';
import { nextNumber, seedMore } from '../support/fixture';
import { graph } from '../support/graph';

const app = useApp({ rows: 3 });
const types = allEntities()
  .filter(({ access, tenant }) => access.create !== 'never' && tenant !== 'self')
  .map((entity) => ({ type: entity.table, entity }));

interface Entry {
  action: string;
  objectType: string;
  objectId: string;
  ipAddress: string;
  userAgent: string | null;
  apiKeyId: string | null;
  detailJson: {
    before?: Values;
    after?: Values;
    withheld?: string[];
    reason?: string;
    times?: number;
    by: Values;
  };
}

async function logOf(objectId: string, caller: Caller = app.administrator()): Promise<Entry[]> {
  const { list } = await caller.ask(
    `query ($id: String) { list: activityLogs(filter: { objectId: { eq: $id } }, orderBy: [{ field: ID, direction: ASC }]) {
      nodes { action objectType objectId ipAddress userAgent apiKeyId detailJson } } }`,
    { id: objectId },
  );
  return list.nodes as Entry[];
}

/** May an administrator see this of an object? */
const shown = ({ access, attributes }: Entity, name: string): boolean => {
  const { read, mask, kind } = attributes.get(name)!;
  const needed = [read, access.read, access.readAll, access.hidden?.below];
  const isSecret = kind === 'hash' || /passcode/i.test(name);
  return !mask && !isSecret && needed.every((level) => !level || atLeast('administrator', level));
};

describe.each(types)('$type', ({ type, entity }) => {
  test('is told of when it is made, changed and deleted: by whom, from where, and what was different', async () => {
    const caller = app.root().with({ 'user-agent': 'A program/1.0' });
    const given = valuesFor(entity, app.here, nextNumber());
    const made = await graph.create(caller, entity, given);
    expect(made.errors).toBeUndefined();
    const { id } = made.data.payload.object as { id: string };
    const [created, ...more] = await logOf(id);
    expect(more).toEqual([]);
    expect(created).toMatchObject({
      action: 'created',
      objectType: type,
      ipAddress: expect.stringMatching(/127\.0\.0\.1/),
      userAgent: 'A program/1.0',
      apiKeyId: 'TestKey-super',
      detailJson: { by: { level: 'super', key: 'TestKey-super' } },
    });
    const after = created!.detailJson.after ?? {};
    for (const [name, value] of Object.entries(made.data.payload.object as Values)) {
      const attribute = entity.attributes.get(name)!;
      if (given[name] == null || !isWritable(attribute) || attribute.sql) continue;
      if (!shown(entity, name)) expect(created!.detailJson.withheld).toContain(name);
      else expect({ name, value: after[name] }).toEqual({ name, value });
    }
    for (const name of Object.keys(after))
      expect({ name, shown: shown(entity, name) }).toEqual({ name, shown: true });

    const change = Object.entries(valuesFor(entity, app.here, nextNumber())).find(([name, value]) => {
      const { kind, once, unique, any } = entity.attributes.get(name)!;
      return (
        ['string', 'text', 'int'].includes(kind) &&
        !once &&
        !unique &&
        !any &&
        value != null &&
        value !== given[name] &&
        shown(entity, name)
      );
    });
    if (change && entity.access.update !== 'never') {
      const [name, value] = change;
      const changed = await graph.update(caller, entity, id, { [name]: value });
      expect(changed.errors).toBeUndefined();
      const updated = (await logOf(id)).find(({ action }) => action === 'updated');
      expect({ type, before: updated?.detailJson.before?.[name] ?? null }).toEqual({
        type,
        before: made.data.payload.object[name],
      });
      expect(updated?.detailJson.after).toMatchObject({ [name]: changed.data.payload.object[name] });
    }
    const { errors } = await graph.remove(caller, entity, id, 'DELETE');
    expect(errors).toBeUndefined();
    const removed = (await logOf(id)).find(({ action }) => action === 'removed');
    expect(removed).toMatchObject({ objectType: type });
    if (entity.attributes.has('name') && shown(entity, 'name') && given.name != null)
      expect(removed!.detailJson.before).toHaveProperty('name');
  });
});

const event = entityOf('event');
const nameOf = (name: string) => ({ name });
const counted = () => app.countRows('activity_log');

test('what is refused, taken back or only tried is not told', async () => {
  const [first] = app.here.rows.event!;
  const before = await counted();
  expect((await graph.update(app.guest(), event, first!.id, nameOf('no'))).code).toBe('FORBIDDEN');
  expect((await graph.update(app.otherAccount(), event, first!.id, nameOf('no'))).code).toBe('FORBIDDEN');
  await app
    .root()
    .ask(
      'mutation { updateEvents(filter: { id: { isNotNull: true } }, input: { name: "no" }, dryRun: true, maxAffected: 1000) { count } }',
    );
  expect(
    (
      await graph.createMany(app.root(), event, [
        valuesFor(event, app.here, nextNumber()),
        { name: 'x'.repeat(300) },
      ])
    ).data.payload.count,
  ).toBe(0);
  await app.root().call('POST', '/v3/crud/event/validate', { name: 'only tried' });
  expect(await counted()).toBe(before);
});

test('many at once are told of one by one, and what goes along with its parent too', async () => {
  const [made] = await seedMore(app.services, event, app.here, [{}]);
  const session = entityOf('event_session');
  const sessions = await seedMore(app.services, session, app.here, [
    { eventId: made!.id },
    { eventId: made!.id },
  ]);
  const { data } = await graph.updateMany(
    app.root(),
    session,
    { eventId: { eq: made!.id } },
    nameOf('Renamed'),
  );
  expect(data.payload.count).toBe(2);
  for (const { id, values } of sessions)
    expect(await logOf(id)).toMatchObject([
      { action: 'updated', detailJson: { before: { name: values.name }, after: { name: 'Renamed' } } },
    ]);
  await graph.remove(app.root(), event, made!.id, 'DELETE');
  for (const { id } of [made!, ...sessions])
    expect((await logOf(id)).map(({ action }) => action)).toContain('removed');
});

test('is for administrators of the account, and nobody makes, changes or removes it', async () => {
  const { id } = app.here.rows.event![1]!;
  await graph.update(app.root(), event, id, nameOf('Seen by whom'));
  expect(await logOf(id)).toHaveLength(1);
  expect(await logOf(id, app.otherAccount())).toEqual([]);
  expect((await app.staff().graphql('{ activityLogs { totalCount } }')).code).toBe('FORBIDDEN');
  const [entry] = (await app.root().call('GET', '/v3/crud/activity_log/?limit=1')).data as { id: string }[];
  expect((await app.root().rest('PATCH', `/v3/crud/activity_log/${entry!.id}`, { action: 'x' })).status).toBe(
    403,
  );
  expect((await app.root().rest('DELETE', `/v3/crud/activity_log/${entry!.id}?method=delete`)).status).toBe(
    403,
  );
  expect((await app.root().rest('POST', '/v3/crud/activity_log/', { action: 'x' })).status).toBe(403);
});

test('names who did it when they are gone, be it themselves who removed themselves', async () => {
  const given = { level: 'administrator', enable: true, enableFrom: null, enableTo: null, scopesJson: null };
  const [key] = await seedMore(app.services, entityOf('api_key'), app.here, [given]);
  const caller = app
    .nobody()
    .with({ 'x-aether-api-key': String(key!.values.publicKey), 'x-account-id': app.here.account });
  const { id } = app.here.rows.event![2]!;
  await graph.update(caller, event, id, nameOf('By a passing key'));
  expect(await logOf(id)).toMatchObject([{ apiKeyId: key!.id }]);
  await caller.call('DELETE', `/v3/crud/api_key/${key!.id}?method=delete`);
  const by = { level: 'administrator', key: key!.id };
  expect(await logOf(id)).toMatchObject([{ apiKeyId: null, detailJson: { by } }]);
  expect((await logOf(key!.id)).map(({ action, detailJson }) => ({ action, by: detailJson.by }))).toEqual([
    { action: 'removed', by },
  ]);
});

test('an account goes with its log', async () => {
  const made = await app.root().call('POST', '/v3/crud/account/', { name: 'Passing', code: 'passing' });
  const { id } = made.data as { id: string };
  const inside = app.as('super', id);
  await inside.call('PATCH', `/v3/crud/account/${id}`, { name: 'Passing away' });
  expect((await logOf(id, inside)).map(({ action }) => action).sort()).toEqual(['created', 'updated']);
  await inside.call('DELETE', `/v3/crud/account/${id}?method=delete`);
  expect(await app.rowOf('account', id)).toBeUndefined();
});

test('what is old is forgotten, but for what an older server has logged', async () => {
  const { database } = app.services;
  const log = entityOf('activity_log');
  const [old] = await seedMore(
    app.services,
    log,
    app.here,
    [{ detailJson: { note: 'by another' } }],
    '2001-01-01 00:00:00.000',
  );
  const { id } = app.here.rows.event![0]!;
  await graph.update(app.root(), event, id, nameOf('To be forgotten'));
  const entries = (await logOf(id)).length;
  expect(entries).toBeGreaterThan(0);
  await pruneActivity(database, new Date(Date.now() - 60_000));
  expect(await logOf(id)).toHaveLength(entries);
  await pruneActivity(database, new Date(Date.now() + 60_000));
  expect(await logOf(id)).toEqual([]);
  expect(await app.rowOf('activity_log', old!.id)).toBeDefined();
});

describe('somebody who is refused', () => {
  async function told(reason: RegExp): Promise<Entry[]> {
    await app.services.notes.flush();
    const { list } = await app.administrator().ask(
      `{ list: activityLogs(filter: { action: { eq: "refused" } }, first: 1000) {
          nodes { action objectType objectId ipAddress userAgent apiKeyId detailJson } } }`,
    );
    return (list.nodes as Entry[]).filter(({ detailJson }) => reason.test(String(detailJson.reason)));
  }

  test('at the door is told to the account that they named, without what they tried it with', async () => {
    const account = { 'x-account-id': app.here.account };
    const stranger = app.nobody().with({ 'x-aether-api-key': 'a-key-nobody-has', ...account });
    for (let turn = 0; turn < 3; turn += 1) await stranger.rest('GET', '/v3/crud/event/');
    await app.nobody().with(account).graphql('{ viewer { level } }');
    const [entry, ...more] = await told(/is not known/);
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ action: 'refused', apiKeyId: null, ipAddress: expect.any(String) });
    expect(entry!.detailJson).toEqual({
      by: { level: null },
      reason: 'This API key is not known.',
      times: 3,
    });
    expect(JSON.stringify(entry)).not.toContain('a-key-nobody-has');
    expect(await told(/key is needed/)).toHaveLength(1);
  });

  test('inside is told once for a request, whichever door it was', async () => {
    const [person] = app.here.rows.person!;
    await app.guest().rest('DELETE', `/v3/crud/person/${person!.id}`);
    await app.guest().graphql(`mutation { removePage(id: "${app.here.rows.page![0]!.id}") { __typename } }`);
    const inGraph = await told(/This needs level administrator/);
    const inRest = await told(/To update person/);
    expect(inRest).toHaveLength(1);
    expect(inGraph.map(({ apiKeyId }) => apiKeyId)).toContain('TestKey-anonymous');
    for (const { detailJson } of [...inGraph, ...inRest]) expect(detailJson.times).toBeUndefined();
  });

  test('and super, who is not when crossing into another account, is told there', async () => {
    const [there] = app.there.rows.person!;
    await app.root().call('GET', `/v3/crud/person/${there!.id}`);
    const crossed = async () =>
      (
        await app
          .otherAccount()
          .ask(
            '{ list: activityLogs(filter: { action: { eq: "crossed" } }) { nodes { objectType objectId apiKeyId } } }',
          )
      ).list.nodes as object[];
    await app.services.notes.flush();
    expect(await crossed()).toEqual([
      { objectType: 'person', objectId: there!.id, apiKeyId: 'TestKey-super' },
    ]);
  });
});

import { entityOf, allEntities, type Entity } from '../../src/kernel/entity';
import type { Attribute } from '../../src/kernel/attributes';
import { isComparable, isWritable } from '../../src/kernel/input-types';
import { atLeast, levels, type Level } from '../../src/kernel/levels';
import { toManys, toOnes } from '../../src/kernel/registry';
import { keepsRows, useApp } from '../support/app';
import type { Values } from '../support/factory';
import { nextNumber, seedMore } from '../support/fixture';
import { graph, orderField } from '../support/graph';

const app = useApp({ rows: 3 });
const rows = keepsRows(app);

/** Attributes that some readers of their type may not read; secrets, which nobody does, are not in filters and orders at all. */
const hidden = allEntities().flatMap((entity) =>
  [...entity.attributes.values()]
    .filter((attribute) => attribute.read !== undefined && isComparable(attribute))
    .map((attribute) => ({ entity, attribute, level: highestBelow(attribute) }))
    .filter(({ level }) => atLeast(level, entity.access.read)),
);

function highestBelow({ read }: Attribute): Level {
  return levels[levels.indexOf(read as Level) - 1] ?? 'anonymous';
}

const types = [...new Set(hidden.map(({ entity }) => entity))].map((entity) => ({
  type: entity.table,
  entity,
}));

test('there is something to hide', () => {
  expect(types.map(({ type }) => type)).toEqual(
    expect.arrayContaining([
      'site',
      'event_badge',
      'event_session',
      'event_device',
      'event_exhibit',
      'order',
    ]),
  );
});

describe.each(types)('what is hidden of a $type', ({ entity }) => {
  const own = hidden.filter((each) => each.entity === entity);

  test('is asked by no filter that comes from another type', async () => {
    for (const { attribute, level } of own) {
      const caller = app.as(level);
      const asked = { [attribute.name]: { isNull: false } };
      for (const [other, filter] of filtersLeadingTo(entity, asked)) {
        if (!atLeast(level, other.access.read)) continue;
        const { code, data } = await graph.list(caller, other, { filter }, 'totalCount nodes { id }');
        expect({ filter, level, code, data: data?.list ?? null }).toEqual({
          ...{ filter, level },
          ...{ code: 'FORBIDDEN', data: null },
        });
      }
    }
  });

  test('sorts no connection, whatever cursor comes with it, and no cursor tells it', async () => {
    for (const { attribute, level } of own) {
      const orderBy = [{ field: orderField(attribute) }];
      const { data } = await graph.list(
        app.root(),
        entity,
        { orderBy, first: 1 },
        'edges { cursor node { id } }',
      );
      const [{ cursor }] = data.list.edges as [{ cursor: string }];
      for (const args of [{ after: cursor }, { before: cursor, last: 1 }])
        expect((await graph.list(app.as(level), entity, { orderBy, ...args }, 'nodes { id }')).code).toBe(
          'FORBIDDEN',
        );
      // Nor does it say where another list goes on, to who may have one at all.
      const { read, list = read } = entity.access;
      expect((await graph.list(app.as(level), entity, { after: cursor }, 'nodes { id }')).code).toBe(
        atLeast(level, list) ? 'BAD_REQUEST' : 'FORBIDDEN',
      );
    }
  });

  test('is found by no word', async () => {
    const texts = own.filter(({ attribute }) => /^(?:string|text|longtext|json)$/.test(attribute.kind));
    const marks = new Map(texts.map(({ attribute }) => [attribute.name, `mark${nextNumber()}`]));
    const set = texts.filter(({ attribute }) => isWritable(attribute));
    if (!entity.attributes.has('defaultQryStr') || set.length === 0 || entity.access.update === 'never')
      return;
    const { id } = app.here.rows[entity.table]![0]!;
    for (const { attribute } of set) {
      const mark = marks.get(attribute.name)!;
      const { errors } = await graph.update(app.root(), entity, id, {
        [attribute.name]: attribute.kind === 'json' ? { desk: { passcode: mark }, key: mark } : mark,
      });
      // What has a form of its own, such as a list of origins, holds no mark.
      if (errors) continue;
      for (const level of levels.filter(
        (each) => atLeast(each, entity.access.read) && !atLeast(each, attribute.read!),
      )) {
        const { data } = await graph.list(app.as(level), entity, { q: mark }, 'totalCount nodes { id }');
        expect({ attribute: attribute.name, level, found: data.list }).toEqual({
          ...{ attribute: attribute.name, level },
          found: { totalCount: 0, nodes: [] },
        });
      }
    }
  });

  test('chooses nothing that is changed or removed', async () => {
    const { update, remove } = entity.access;
    for (const { attribute, level } of own) {
      const filter = { [attribute.name]: { isNull: false } };
      if (atLeast(level, update)) {
        const changed = await graph.updateMany(app.as(level), entity, filter, {}, { dryRun: true });
        expect({ name: attribute.name, code: changed.code }).toEqual({
          name: attribute.name,
          code: 'FORBIDDEN',
        });
      }
      if (atLeast(level, remove)) {
        const removed = await graph.removeMany(app.as(level), entity, filter, 'DELETE', { dryRun: true });
        expect({ name: attribute.name, code: removed.code }).toEqual({
          name: attribute.name,
          code: 'FORBIDDEN',
        });
      }
    }
  });

  test('is neither sorted nor searched by below a parent, in the words of REST', async () => {
    const parents = allEntities()
      .flatMap(toManys)
      .filter(({ child }) => child === entity);
    for (const { attribute, level } of own)
      for (const { parent } of parents) {
        if (!atLeast(level, parent.access.read) || !app.here.rows[parent.table]?.length) continue;
        const path = `/v3/crud/${parent.table}/${app.here.rows[parent.table]![0]!.id}/${entity.table}`;
        const ordered = await app.as(level).rest('GET', `${path}/?order_by_li={"${attribute.column}":"ASC"}`);
        const found = await app.as(level).rest('POST', `${path}/search`, {
          or: [{ field: attribute.column, op: 'is_not_null' }],
        });
        expect({ path, column: attribute.column, statuses: [ordered.status, found.status] }).toEqual({
          ...{ path, column: attribute.column, statuses: [403, 403] },
        });
      }
  });
});

/** Filters on other types that ask this of one: through a reference to it, and through each list of it. */
function filtersLeadingTo(entity: Entity, asked: Values): [Entity, Values][] {
  return allEntities().flatMap((other): [Entity, Values][] => [
    ...toOnes(other)
      .filter(({ attribute }) => attribute.ref?.type === entity.table)
      .map(({ field }): [Entity, Values] => [other, { [field]: asked }]),
    ...toManys(other)
      .filter(({ child }) => child === entity)
      .flatMap(({ field }) =>
        ['some', 'none', 'every'].map((quantifier): [Entity, Values] => [
          other,
          { not: { or: [{ [field]: { [quantifier]: asked } }] } },
        ]),
      ),
  ]);
}

describe('rows that are hidden', () => {
  test('are in no count that others see', async () => {
    const session = app.here.rows.event_session![0]!;
    const [presentation] = await seedMore(app.services, entityOf('event_presentation'), app.here, [
      { eventSessionId: session.id, eventId: session.values.eventId, enable: true, hide: false },
    ]);
    const place = { eventId: session.values.eventId, eventSessionId: session.id, enable: true, hide: false };
    const none = { eventPresentationId: null, eventPresenterId: null, eventLocationId: null };
    const count = async (): Promise<Record<'own' | 'all' | 'listed' | 'ofPresentation', number>> => {
      const { eventSession } = await app
        .guest()
        .ask(
          `{ eventSession(id: "${session.id}") { fileCount fileCountAll files(hidden: ALL, enabled: ALL) { totalCount } } }`,
        );
      const { eventPresentation } = await app
        .guest()
        .ask(`{ eventPresentation(id: "${presentation!.id}") { fileCount } }`);
      const { fileCount: own, fileCountAll: all, files } = eventSession;
      return { own, all, listed: files.totalCount, ofPresentation: eventPresentation.fileCount };
    };
    const file = entityOf('event_file');
    const before = await count();
    const at = (forType: string, forId: string, more: Values, internalUse: boolean) => ({
      ...{ ...place, ...none, ...more },
      ...{ forType, forId, internalUse },
    });
    const onPresentation = { eventPresentationId: presentation!.id };
    await seedMore(app.services, file, app.here, [
      at('event_session', session.id, {}, true),
      at('event_presentation', presentation!.id, onPresentation, true),
    ]);
    expect(await count()).toEqual(before);
    await seedMore(app.services, file, app.here, [
      at('event_session', session.id, {}, false),
      at('event_presentation', presentation!.id, onPresentation, false),
    ]);
    expect(await count()).toEqual({
      own: before.own + 1,
      all: before.all + 2,
      listed: before.listed + 1,
      ofPresentation: before.ofPresentation + 1,
    });
    await rows.settle();
  });

  test('of other people are in no count, no page and no word that is theirs', async () => {
    const [person, other] = app.here.rows.person!;
    const { id } = (
      await seedMore(app.services, entityOf('journal'), app.here, [
        { personId: other!.id, name: 'secretive', enable: true, hide: false },
      ])
    )[0]!;
    await seedMore(app.services, entityOf('journal_entry'), app.here, [
      { journalId: id, name: 'confession', content: 'confession', enable: true, hide: false },
    ]);
    await rows.settle();
    for (const caller of [
      await app.signedIn('authenticated', { person: person!.id }),
      await app.signedIn('trusted', { person: person!.id }),
      app.as('authenticated'),
    ]) {
      const found = { totalCount: 0, nodes: [] };
      const list = (plural: string, filter: string) =>
        caller.ask(`{ list: ${plural}(${filter}, hidden: ALL, enabled: ALL) { totalCount nodes { id } } }`);
      expect((await list('journals', 'q: "secretive"')).list).toEqual(found);
      expect((await list('journals', `filter: { person: { id: { eq: "${other!.id}" } } }`)).list).toEqual(
        found,
      );
      expect((await list('journalEntries', 'q: "confession"')).list).toEqual(found);
      expect((await list('journalEntries', `filter: { journal: { id: { eq: "${id}" } } }`)).list).toEqual(
        found,
      );
      const through = await list('persons', 'filter: { journals: { some: {} } }').catch(() => undefined);
      expect(through?.list ?? found).toEqual(found);
    }
  });
});

describe('an empty list', () => {
  const session = entityOf('event_session');
  const total = async (filter: Values | null) =>
    (await graph.list(app.staff(), session, { filter }, 'totalCount')).data.list.totalCount as number;

  test('to be among lets nothing pass, and not to be among nothing out', async () => {
    const all = await total(null);
    for (const name of ['id', 'eventId', 'eventTrackId', 'name', 'sort', 'startDatetime', 'enable']) {
      expect({ name, found: await total({ [name]: { in: [] } }) }).toEqual({ name, found: 0 });
      expect({ name, found: await total({ not: { [name]: { in: [] } } }) }).toEqual({ name, found: all });
    }
    expect(await total({ event: { id: { in: [] } } })).toBe(0);
    expect(await total({ id: { notIn: [] } })).toBe(all);
    expect(await total({ presentations: { some: { id: { in: [] } } } })).toBe(0);
    expect(await total({ and: [], or: [], not: { id: { in: [] } } })).toBe(all);
    const search = (op: string) =>
      app.staff().rest('POST', '/v3/crud/event_session/search?enabled=all&hidden=all', {
        and: [{ field: 'event_id', op, value: [] }],
      });
    expect((await search('in')).meta.total).toBe(0);
    expect((await search('not_in')).meta.total).toBe(all);
  });

  test.each([
    { or: [] },
    { and: [] },
    {},
    { not: {} },
    { and: [{}] },
    { id: {} },
    { event: {} },
    { id: { notIn: [] } },
  ])('%j changes and removes nothing', async (filter) => {
    for (const answer of [
      await graph.updateMany(app.administrator(), session, filter, { name: 'taken over' }),
      await graph.removeMany(app.administrator(), session, filter, 'DELETE'),
    ])
      expect(answer).toMatchObject({ code: 'BAD_REQUEST', data: null });
    expect(await total({ name: { eq: 'taken over' } })).toBe(0);
  });

  test('of scopes, origins and passcodes opens nothing', async () => {
    const publicKey = `empty-${nextNumber()}-key`;
    const always = { enable: true, enableFrom: null, enableTo: null, ratePerMinute: null };
    await seedMore(app.services, entityOf('api_key'), app.here, [
      { ...always, publicKey, level: 'super', scopesJson: [], originsJson: [] },
    ]);
    const codes: unknown[] = [{}, [], { super: '' }, { super: null, trusted: [] }, { super: { a: 1 } }, null];
    const sites = await seedMore(
      app.services,
      entityOf('site'),
      app.here,
      codes.map((accessCodeKvJson) => ({ accessCodeKvJson, enable: true })),
    );
    await rows.settle();
    const caller = app.nobody().with({ 'x-aether-api-key': publicKey, 'x-account-id': app.here.account });
    for (const { plural } of allEntities())
      expect((await caller.graphql(`{ ${plural} { nodes { id } } }`)).code).toBe('FORBIDDEN');
    const page = caller.with({ origin: 'https://example.org' });
    expect((await page.graphql('{ viewer { level } }')).status).toBe(403);
    for (const { id } of sites)
      for (const passcode of ['', '     ', 'undefined', 'null!', '[object Object]', '{"a":1}', 'false'])
        expect([403, 422, 429]).toContain(
          (await app.guest().rest('POST', '/v3/action/auth/authenticate_passcode', { site_id: id, passcode }))
            .status,
        );
  });
});

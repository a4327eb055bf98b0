import { entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { seedMore } from '../support/fixture';

const app = useApp({ rows: 2 });

/*
 * Documents and what follows from them are remembered over all callers; what a caller is shown must not depend on who asked the
 * same before.
 */
async function inTurn(query: string, callers: Record<string, Caller>): Promise<Record<string, unknown[]>> {
  const seen: Record<string, unknown[]> = {};
  for (let times = 0; times < 4; times += 1)
    for (const [name, caller] of Object.entries(callers)) {
      const { data, code } = await caller.graphql(query);
      (seen[name] ??= []).push(code ?? data);
    }
  return seen;
}

test('the same document shows each level what it may see', async () => {
  const [badge] = await seedMore(app.services, entityOf('event_badge'), app.here, [
    { email: 'grace@example.org', phone: '+1 555 0142', enable: true, hide: false },
  ]);
  const query = `{ eventBadge(id: "${badge!.id}") { email phone personPasscode } viewer { level } }`;
  const seen = await inTurn(query, {
    public: app.as('public'),
    staff: app.staff(),
    guest: app.guest(),
    manager: app.manager(),
  });
  const masked = { email: 'g***@example.org', phone: '***42', personPasscode: null };
  const whole = {
    email: 'grace@example.org',
    phone: '+1 555 0142',
    personPasscode: badge!.values.personPasscode,
  };
  expect(seen.public).toEqual(Array(4).fill({ eventBadge: masked, viewer: { level: 'public' } }));
  expect(seen.staff).toEqual(Array(4).fill({ eventBadge: whole, viewer: { level: 'trusted' } }));
  expect(seen.manager).toEqual(Array(4).fill({ eventBadge: whole, viewer: { level: 'manager' } }));
  expect(seen.guest).toEqual(Array(4).fill({ eventBadge: masked, viewer: { level: 'anonymous' } }));
});

test('the same document shows each account its own', async () => {
  const query =
    '{ events(enabled: ALL, hidden: ALL) { totalCount nodes { id sessions(enabled: ALL, hidden: ALL) { totalCount } } } }';
  const seen = await inTurn(query, {
    here: app.manager(),
    there: app.otherAccount(),
    none: app.as('manager', null),
  });
  const ids = (answer: any) => answer.events.nodes.map(({ id }: { id: string }) => id).sort();
  for (const answer of seen.here!)
    expect(ids(answer)).toEqual(app.here.rows.event!.map(({ id }) => id).sort());
  for (const answer of seen.there!)
    expect(ids(answer)).toEqual(app.there.rows.event!.map(({ id }) => id).sort());
  expect(seen.none).toEqual(Array(4).fill({ events: { totalCount: 0, nodes: [] } }));
});

test('the same document shows each person their own', async () => {
  const [ann, bob] = await seedMore(app.services, entityOf('person'), app.here, [{}, {}]);
  const journals = await seedMore(app.services, entityOf('journal'), app.here, [
    { personId: ann!.id, enable: true, hide: false },
    { personId: bob!.id, enable: true, hide: false },
  ]);
  const entries = await seedMore(
    app.services,
    entityOf('journal_entry'),
    app.here,
    journals.map(({ id }) => ({ journalId: id, content: `of ${id}`, enable: true, hide: false })),
  );
  const query =
    '{ journals { totalCount nodes { id entries { nodes { id content } } } } journalEntries { nodes { id } } persons { nodes { id } } }';
  const seen = await inTurn(query, {
    ann: await app.signedIn('authenticated', { person: ann!.id }),
    bob: await app.signedIn('authenticated', { person: bob!.id }),
    nobody: await app.signedIn('authenticated'),
  });
  const own = (i: number, person: string) => ({
    journals: {
      totalCount: 1,
      nodes: [
        {
          id: journals[i]!.id,
          entries: { nodes: [{ id: entries[i]!.id, content: `of ${journals[i]!.id}` }] },
        },
      ],
    },
    journalEntries: { nodes: [{ id: entries[i]!.id }] },
    persons: { nodes: expect.arrayContaining([]) },
    ...(person === '' ? {} : {}),
  });
  expect(seen.ann).toEqual(Array(4).fill(expect.objectContaining(own(0, ann!.id))));
  expect(seen.bob).toEqual(Array(4).fill(expect.objectContaining(own(1, bob!.id))));
  expect(seen.nobody).toEqual(
    Array(4).fill({
      journals: { totalCount: 0, nodes: [] },
      journalEntries: { nodes: [] },
      persons: { nodes: [] },
    }),
  );

  const annsOwn = await app.signedIn('authenticated', { person: ann!.id });
  expect((await annsOwn.rest('GET', `/v3/crud/journal/${journals[1]!.id}`)).status).toBe(403);
  expect((await annsOwn.rest('GET', `/v3/crud/journal_entry/${entries[1]!.id}`)).status).toBe(403);
  const before = await app.rowOf('journal_entry', entries[1]!.id);
  expect(
    (await annsOwn.rest('PATCH', `/v3/crud/journal_entry/${entries[1]!.id}`, { content: 'x' })).status,
  ).toBe(403);
  expect(
    (await annsOwn.rest('DELETE', `/v3/crud/journal_entry/${entries[1]!.id}?method=delete`)).status,
  ).toBe(403);
  expect(await app.rowOf('journal_entry', entries[1]!.id)).toEqual(before);
});

test('what a person makes is their own, and cannot be made for or given to another', async () => {
  const [ann, bob] = await seedMore(app.services, entityOf('person'), app.here, [{}, {}]);
  const caller = await app.signedIn('authenticated', { person: ann!.id });
  const made = await caller.call('POST', '/v3/crud/journal/', { name: 'Mine' });
  expect(made.data.person_id).toBe(ann!.id);
  const [rows, row] = [await app.countRows('journal'), await app.rowOf('journal', made.data.id)];
  expect(
    (await caller.rest('POST', '/v3/crud/journal/', { name: 'Theirs', person_id: bob!.id })).status,
  ).toBe(403);
  expect(
    (await caller.rest('PATCH', `/v3/crud/journal/${made.data.id as string}`, { person_id: bob!.id })).status,
  ).toBe(403);
  const [theirs] = await seedMore(app.services, entityOf('journal'), app.here, [{ personId: bob!.id }]);
  const entries = await app.countRows('journal_entry');
  expect(
    (await caller.rest('POST', '/v3/crud/journal_entry/', { journal_id: theirs!.id, content: 'x' })).status,
  ).toBe(403);
  expect((await caller.rest('POST', `/v3/crud/journal/${theirs!.id}/entry/`, { content: 'x' })).status).toBe(
    403,
  );
  expect(await app.countRows('journal_entry')).toBe(entries);
  expect(await app.countRows('journal')).toBe(rows + 1);
  expect(await app.rowOf('journal', made.data.id)).toEqual(row);
  const stranger = await app.signedIn('authenticated');
  expect((await stranger.rest('POST', '/v3/crud/journal/', { name: 'Nobody' })).status).toBe(403);
});

test('a meeting is for members, and so is all that belongs to it', async () => {
  const shown = { enable: true, hide: false };
  const [meeting] = await seedMore(app.services, entityOf('event'), app.here, [
    { ...shown, typeCode: 'meeting', name: 'Members only' },
  ]);
  const [session] = await seedMore(app.services, entityOf('event_session'), app.here, [
    { ...shown, eventId: meeting!.id, name: 'Secret talk' },
  ]);
  const member = await app.signedIn('authenticated');
  for (const [type, { id }] of Object.entries({ event: meeting!, event_session: session! })) {
    expect((await member.rest('GET', `/v3/crud/${type}/${id}`)).status).toBe(200);
    expect((await app.guest().rest('GET', `/v3/crud/${type}/${id}`)).status).toBe(403);
    const list = await app.guest().call('GET', `/v3/crud/${type}/?limit=1000`);
    expect(list.data.map((each: { id: string }) => each.id)).not.toContain(id);
    expect(list.meta.total).toBe(list.data.length);
  }
  expect((await app.guest().rest('GET', `/v3/crud/event/${meeting!.id}/session/`)).status).toBe(403);
  const { data } = await app
    .guest()
    .graphql(
      '{ eventSessions(filter: { event: { name: { eq: "Members only" } } }) { totalCount nodes { id } } }',
    );
  expect(data.eventSessions).toEqual({ totalCount: 0, nodes: [] });
  expect((await app.guest().call('GET', '/v3/crud/event_session/?q=Secret')).data).toEqual([]);
});

test('what is for internal use is for administrators', async () => {
  const [file] = await seedMore(app.services, entityOf('event_file'), app.here, [
    { enable: true, hide: false, internalUse: true },
  ]);
  for (const [level, status] of [
    ['anonymous', 403],
    ['authenticated', 403],
    ['trusted', 403],
    ['administrator', 200],
  ] as const) {
    const caller = level === 'trusted' ? await app.signedIn('trusted') : app.as(level);
    expect({ level, status: (await caller.rest('GET', `/v3/crud/event_file/${file!.id}`)).status }).toEqual({
      level,
      status,
    });
    const { data } = await caller.call('GET', '/v3/crud/event_file/?limit=1000');
    expect(data.some(({ id }: { id: string }) => id === file!.id)).toBe(status === 200);
  }
});

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import type { GraphqlAnswer } from '../support/callers';
import type { Values } from '../support/factory';
import { seedMore } from '../support/fixture';
import { graph } from '../support/graph';
import { orderBy, orderByLi, ordersOf, seed, type OrderStep } from '../support/questions';

const app = useApp({ rows: 20 });

const idsOf = (list: { id: string }[]): string[] => list.map(({ id }) => id);
const place =
  'edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount';

interface Walked {
  ids: string[];
  totals: number[];
}

/** Walks a list to its end, forward by `first` or backward by `last`; `between` happens after each page. */
async function walk(
  entity: Entity,
  args: Values,
  size: number,
  way: 'first' | 'last',
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Walked> {
  const ids: string[] = [];
  const totals: number[] = [];
  let cursor: string | undefined;
  for (let pages = 0; ; pages += 1) {
    if (pages > 100) throw new Error('The list does not end.');
    const at = way === 'first' ? { first: size, after: cursor } : { last: size, before: cursor };
    const { data, errors } = await graph.list(app.root(), entity, { ...args, ...at }, place);
    expect(errors).toBeUndefined();
    const { edges, pageInfo, totalCount } = data.list;
    const page = edges.map(({ node }: { node: { id: string } }) => node.id);
    expect(page.length).toBeLessThanOrEqual(size);
    expect(pageInfo.startCursor).toBe(edges[0]?.cursor ?? null);
    expect(pageInfo.endCursor).toBe(edges.at(-1)?.cursor ?? null);
    if (way === 'first') ids.push(...page);
    else ids.unshift(...page);
    totals.push(totalCount);
    expect(way === 'first' ? pageInfo.hasPreviousPage : pageInfo.hasNextPage).toBe(cursor !== undefined);
    if (!(way === 'first' ? pageInfo.hasNextPage : pageInfo.hasPreviousPage)) return { ids, totals };
    cursor = way === 'first' ? pageInfo.endCursor : pageInfo.startCursor;
    await between();
  }
}

/** What a list is in one piece. */
async function whole(entity: Entity, args: Values): Promise<string[]> {
  const { data, errors } = await graph.list(app.root(), entity, { ...args, first: 1000 }, 'nodes { id }');
  expect(errors).toBeUndefined();
  return idsOf(data.list.nodes);
}

describe.each(allEntities().map(({ table }) => table))('%s', (type) => {
  const entity = entityOf(type);

  test('is walked completely in any order, and by the offsets of REST alike', async () => {
    await fc.assert(
      fc.asyncProperty(ordersOf(entity, 5), fc.integer({ min: 3, max: 8 }), async (steps, size) => {
        const args = { orderBy: orderBy(steps) };
        const all = await whole(entity, args);
        expect(new Set(all)).toEqual(new Set(app.here.rows[type]!.map(({ id }) => id)));
        expect((await walk(entity, args, size, 'first')).ids).toEqual(all);
        expect((await walk(entity, args, size, 'last')).ids).toEqual(all);
        const pages: string[] = [];
        for (let offset = 0; offset < all.length + size; offset += size) {
          const query = new URLSearchParams({
            limit: String(size),
            offset: String(offset),
            enabled: 'all',
            hidden: 'all',
          });
          if (steps.length > 0) query.set('order_by_li', orderByLi(steps));
          const page = await app.root().call('GET', `/v3/crud/${type}/?${query.toString()}`);
          expect(page.meta).toMatchObject({
            total: all.length,
            limit: size,
            offset,
            count: page.data.length,
          });
          pages.push(...idsOf(page.data));
        }
        expect(pages).toEqual(all);
      }),
      { numRuns: 4, seed },
    );
  });

  test('missing values come last in both directions, ties by age', async () => {
    for (const name of ['name', 'sort', 'archiveOn', 'createdOn']) {
      const attribute = entity.attributes.get(name);
      if (!attribute) continue;
      for (const direction of ['ASC', 'DESC'] as const) {
        const { data } = await graph.list(
          app.root(),
          entity,
          { orderBy: [{ field: attribute.column.toUpperCase(), direction }], first: 1000 },
          `nodes { id ${name} }`,
        );
        const values = data.list.nodes.map((node: Values) => node[name]);
        const firstMissing = values.indexOf(null);
        if (firstMissing >= 0) expect(new Set(values.slice(firstMissing))).toEqual(new Set([null]));
        if (name !== 'createdOn') continue;
        // All made at once: only their age is left to sort by.
        expect(idsOf(data.list.nodes)).toEqual(app.here.rows[type]!.map(({ id }) => id));
      }
    }
  });

  test('the usual order is priority, sort, name', async () => {
    const usual = ['priority', 'sort', 'name'].filter((name) => entity.attributes.has(name));
    const steps = usual.map((name) => ({
      field: name.toUpperCase(),
      direction: name === 'priority' ? 'DESC' : 'ASC',
    }));
    expect(await whole(entity, {})).toEqual(await whole(entity, { orderBy: steps }));
    const rest = await app.root().call('GET', `/v3/crud/${type}/?enabled=all&hidden=all`);
    expect(idsOf(rest.data)).toEqual(await whole(entity, {}));
  });

  test('what is no page is refused, and it is said why', async () => {
    const refused: [Values, RegExp][] = [
      [{ first: 1001 }, /0 to 1000/],
      [{ last: 1001 }, /0 to 1000/],
      [{ first: -1 }, /0 to 1000/],
      [{ first: 3, last: 3 }, /first or last/],
      [{ offset: 25_001 }, /25000/],
      [{ offset: -1 }, /25000/],
      [{ first: 3, before: 'x' }, /before/],
      [{ last: 3, after: 'x' }, /after/],
      [{ last: 3, offset: 1 }, /offset/],
      [{ first: 3, after: 'made up' }, /cursor/],
      [{ first: 3, after: '' }, /cursor/],
    ];
    for (const [args, reason] of refused) {
      const answer = await graph.list(app.root(), entity, args, 'nodes { id }');
      expectRefused(args, answer, reason);
    }
    const { data } = await graph.list(app.root(), entity, { orderBy: [{ field: 'CREATED_ON' }] }, place);
    const after = data.list.pageInfo.endCursor as string;
    const elsewhere = await graph.list(
      app.root(),
      entity,
      { orderBy: [{ field: 'UPDATED_ON' }], after },
      place,
    );
    expectRefused({}, elsewhere, /cursor/);
    const reversed = await graph.list(
      app.root(),
      entity,
      { orderBy: [{ field: 'CREATED_ON', direction: 'DESC' }], after },
      place,
    );
    expectRefused({}, reversed, /cursor/);
    for (const query of [
      'limit=-1',
      'limit=x',
      'limit=1000000',
      'offset=-1',
      'offset=1e3',
      'limit=1.5',
      'offset=25001',
    ])
      expect({ query, ...(await app.root().rest('GET', `/v3/crud/${type}/?${query}`)) }).toMatchObject({
        query,
        status: 400,
        data: false,
      });
  });

  function expectRefused(args: Values, { code, errors, data }: GraphqlAnswer, reason: RegExp): void {
    expect({ args, code, message: errors?.[0]?.message }).toEqual({
      args,
      code: 'BAD_REQUEST',
      message: expect.stringMatching(reason),
    });
    expect(data?.list ?? null).toBeNull();
  }
});

describe('a walk over the sessions of an event', () => {
  const session = entityOf('event_session');

  /** Few different values, so that there are ties; null now and then. */
  const row = fc.record({
    name: fc.constantFrom('Alpha', 'alpha', 'beta', 'Gamma', null),
    sort: fc.constantFrom(-1, 0, 7, null),
    priority: fc.boolean(),
    alert: fc.constantFrom(true, false, null),
    startDatetime: fc.constantFrom('2026-03-01T09:00:00.000Z', '2026-03-01T09:00:00.001Z', null),
    description: fc.constantFrom('x', 'X', 'y', '', null),
    cfgJson: fc.constantFrom({ a: 1 }, [2], null),
    eventLocationId: fc.constantFrom('first', 'second', null),
  });
  const names = [
    'name',
    'sort',
    'priority',
    'alert',
    'startDatetime',
    'description',
    'cfgJson',
    'eventLocationId',
  ];
  const attributes = [...names, 'eventLocationName', 'presentationCount', 'createdOn', 'id', 'group'].map(
    (name) => session.attributes.get(name)!,
  );
  const order = fc.uniqueArray(
    fc.record({
      attribute: fc.constantFrom(...attributes),
      direction: fc.constantFrom('ASC' as const, 'DESC' as const),
    }),
    { maxLength: 5, selector: ({ attribute }) => attribute.name },
  ) as fc.Arbitrary<OrderStep[]>;

  const placed = (values: Values, eventId: string): Values => {
    const [first, second] = app.here.rows.event_location!;
    const location =
      values.eventLocationId === 'first'
        ? first!.id
        : values.eventLocationId === 'second'
          ? second!.id
          : null;
    return { ...values, eventLocationId: location, eventId, enable: true, hide: false };
  };

  test('neither loses nor repeats one, in either direction, while others are added', async () => {
    const event = entityOf('event');
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 24 }),
        fc.array(row, { minLength: 1, maxLength: 4 }),
        order,
        fc.integer({ min: 1, max: 9 }),
        async (rows, added, steps, size) => {
          const [made] = await seedMore(app.services, event, app.here, [{}]);
          const eventId = made!.id;
          await seedMore(
            app.services,
            session,
            app.here,
            rows.map((values) => placed(values, eventId)),
          );
          const args = { filter: { eventId: { eq: eventId } }, orderBy: orderBy(steps) };
          const all = await whole(session, args);
          expect(all).toHaveLength(rows.length);

          const forward = await walk(session, args, size, 'first');
          expect(forward.ids).toEqual(all);
          const backward = await walk(session, args, size, 'last');
          expect(backward.ids).toEqual(all);
          expect(new Set([...forward.totals, ...backward.totals])).toEqual(new Set([rows.length]));

          for (const way of ['first', 'last'] as const) {
            const before = await whole(session, args);
            const waiting = [...added, ...added];
            const walked = await walk(session, args, size, way, async () => {
              const next = waiting.pop();
              if (next) await seedMore(app.services, session, app.here, [placed(next, eventId)]);
            });
            expect(new Set(walked.ids).size).toBe(walked.ids.length);
            expect(walked.ids.filter((id) => before.includes(id))).toEqual(before);
            // Those that came meanwhile stand where the order has them.
            const after = await whole(session, args);
            expect(after.filter((id) => walked.ids.includes(id))).toEqual(walked.ids);
          }
        },
      ),
      { numRuns: 25, seed },
    );
  });

  test('goes the same way through a connection of its event, for one event and for many at once', async () => {
    const rows = [...Array(7).keys()].map((n) => ({
      name: `s${String(n % 3)}`,
      sort: n % 2 === 0 ? null : n,
    }));
    const made = await seedMore(app.services, entityOf('event'), app.here, [{}, {}, {}]);
    for (const { id } of made)
      await seedMore(
        app.services,
        session,
        app.here,
        rows.map((values) => placed(values, id)),
      );
    const ids = made.map(({ id }) => id);
    const orders = '[{ field: SORT, direction: DESC }, { field: NAME }]';
    const below = async (args: string, some: string[]): Promise<any[]> => {
      const filter = `{ id: { in: [${some.map((id) => `"${id}"`).join()}] } }`;
      const data = await app.root().ask(
        `{ events(enabled: ALL, hidden: ALL, filter: ${filter}) { nodes { id
           sessions(orderBy: ${orders}, ${args}) { nodes { id } pageInfo { hasNextPage hasPreviousPage endCursor startCursor } totalCount } } } }`,
      );
      return data.events.nodes;
    };
    for (const event of await below('first: 100', ids)) {
      const args = {
        filter: { eventId: { eq: event.id } },
        orderBy: [{ field: 'SORT', direction: 'DESC' }, { field: 'NAME' }],
      };
      expect(idsOf(event.sessions.nodes)).toEqual(await whole(session, args));
      expect(event.sessions.totalCount).toBe(rows.length);

      const [alone] = await below('first: 3', [event.id]);
      const together = (await below('first: 3', ids)).find(({ id }) => id === event.id);
      expect(alone.sessions).toEqual(together.sessions);
      expect(alone.sessions.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
      const [next] = await below(`first: 100, after: "${alone.sessions.pageInfo.endCursor as string}"`, [
        event.id,
      ]);
      expect([...idsOf(alone.sessions.nodes), ...idsOf(next.sessions.nodes)]).toEqual(
        idsOf(event.sessions.nodes),
      );
      const [lastOnes] = await below('last: 2', [event.id]);
      const lastTogether = (await below('last: 2', ids)).find(({ id }) => id === event.id);
      expect(lastOnes.sessions).toEqual(lastTogether.sessions);
      expect(idsOf(lastOnes.sessions.nodes)).toEqual(idsOf(event.sessions.nodes).slice(-2));
      const [skipped] = await below('first: 2, offset: 4', [event.id]);
      const skippedTogether = (await below('first: 2, offset: 4', ids)).find(({ id }) => id === event.id);
      expect(skipped.sessions).toEqual(skippedTogether.sessions);
      expect(idsOf(skipped.sessions.nodes)).toEqual(idsOf(event.sessions.nodes).slice(4, 6));
    }
  });
});

test('a long list of REST comes whole, whatever its length', async () => {
  const person = entityOf('person');
  const made = await seedMore(
    app.services,
    person,
    app.there,
    [...Array(2345).keys()].map((n) => ({
      name: `Person ${String(n % 100)}`,
      enable: true,
      hide: false,
      // More in all than a connection takes in before anyone reads.
      biography: 'born '.repeat(800),
    })),
  );
  const all = new Set([...made, ...app.there.rows.person!].map(({ id }) => id));
  const caller = app.otherAccount();
  for (const limit of [1000, 1001, 2000, 2344, 999_999]) {
    const { data, meta } = await caller.call(
      'GET',
      `/v3/crud/person/?limit=${String(limit)}&enabled=all&hidden=all`,
    );
    expect(data).toHaveLength(Math.min(limit, all.size));
    expect(new Set(idsOf(data)).size).toBe(data.length);
    expect(meta).toMatchObject({ count: data.length, total: all.size, limit, offset: 0, success: true });
  }
  const tail = await caller.call('GET', '/v3/crud/person/?limit=5000&offset=1200&enabled=all&hidden=all');
  const full = await caller.call('GET', '/v3/crud/person/?limit=5000&enabled=all&hidden=all');
  expect(idsOf(tail.data)).toEqual(idsOf(full.data).slice(1200));
  const beyond = await caller.call('GET', '/v3/crud/person/?limit=5000&offset=9000&enabled=all&hidden=all');
  expect([beyond.data, beyond.meta.total]).toEqual([[], all.size]);
  const nested = await caller.call(
    'GET',
    `/v3/crud/account/${app.there.account}/person/?limit=5000&enabled=all&hidden=all`,
  );
  expect(idsOf(nested.data)).toEqual(idsOf(full.data));

  // A slow reader, during whose reading rows go: what it gets is sound, each row once, and none is left out that stayed.
  const added = new Set(idsOf(made));
  const gone = new Set(
    idsOf(full.data).filter((id, index) => index > 1500 && index % 7 === 0 && added.has(id)),
  );
  const response = await caller.fetch('/v3/crud/person/?limit=5000&enabled=all&hidden=all');
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = decoder.decode((await reader.read()).value, { stream: true });
  await app.services.database.transaction((tx) =>
    app.services.database.select(
      `DELETE FROM person WHERE id_random IN (${[...gone].map(() => '?').join()})`,
      [...gone],
      tx,
    ),
  );
  for (let part = await reader.read(); !part.done; part = await reader.read())
    text += decoder.decode(part.value, { stream: true });
  const seen = idsOf(JSON.parse(text).data);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.filter((id) => !gone.has(id))).toEqual(idsOf(full.data).filter((id) => !gone.has(id)));
});

test.each([
  ['of all', () => '/v3/crud/event_person/?'],
  ['below a parent', () => `/v3/crud/event/${app.there.rows.event![0]!.id}/event_person/?`],
  ['with all that its records refer to', () => '/v3/crud/event_person/?view=detail&'],
])('a long list %s holds on to nothing that has been sent', async (_name, path) => {
  const length = 4000;
  const event = app.there.rows.event![0]!.id;
  const people = idsOf(
    (await app.otherAccount().call('GET', '/v3/crud/person/?limit=2000&q=&enabled=all&hidden=all')).data,
  );
  const rest = length - (await app.countRows('event_person'));
  await seedMore(
    app.services,
    entityOf('event_person'),
    app.there,
    [...Array(Math.max(rest, 0)).keys()].map((n) => ({
      eventId: event,
      personId: people[n % people.length],
      description: 'known '.repeat(500),
      enable: true,
      hide: false,
    })),
  );
  const response = await app.otherAccount().fetch(`${path()}limit=999999&enabled=all&hidden=all`);
  const held: number[] = [];
  let read = 0;
  for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
    read += part.length;
    if (read < (held.length + 1) * 3 * 1024 ** 2) continue;
    collectGarbage();
    held.push(process.memoryUsage().heapUsed / 1024 ** 2);
  }
  expect(held.length).toBeGreaterThanOrEqual(4);
  expect(Math.max(...held.slice(1)) - held[0]!).toBeLessThan(4);
});

/** Node shows its collector of garbage to who asks. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

test('a reader who leaves in the middle of a long list ends the reading of it', async () => {
  const list = '/v3/crud/person/?limit=999999&enabled=all&hidden=all';
  const whole = await app.statementsOf(() => app.otherAccount().call('GET', list));
  const left = new AbortController();
  const before = app.services.database.statements;
  const response = await app.otherAccount().fetch(list, { signal: left.signal });
  await response.body!.getReader().read();
  left.abort();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const after = app.services.database.statements;
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(app.services.database.statements).toBe(after);
  expect(after - before).toBeLessThan(whole);
});

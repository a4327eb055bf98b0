import fc from 'fast-check';
import type { Attribute } from '../../src/kernel/attributes';
import { Context } from '../../src/kernel/context';
import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { isRequired, isWritable } from '../../src/kernel/input-types';
import { feedsOf } from '../../src/kernel/registry';
import { rebuildTexts } from '../../src/kernel/search-text';
import { wordsOf } from '../../src/kernel/search-words';
import { write } from '../../src/kernel/unit-of-work';
import { changeRows } from '../../src/kernel/write';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { valuesFor, type Values } from '../support/factory';
import { nextNumber, seedMore } from '../support/fixture';
import { graph } from '../support/graph';
import { target } from '../support/jest-target';
import { seed } from '../support/questions';
import { readWorld, type World } from '../support/reference';

const app = useApp({ rows: 8 });

const searched = allEntities().filter(({ attributes }) => attributes.has('defaultQryStr'));
const made = searched.filter(({ access, tenant }) => access.create !== 'never' && tenant !== 'self');
const typesOf = (entities: Entity[]) => entities.map(({ table }) => table);

let last = 0;
/** A word that nothing holds yet. */
const newWord = (): string => `quokka${String((last += 1)).padStart(4, '0')}`;

const make = async (entity: Entity, given: Values = {}): Promise<string> => {
  const values = valuesFor(entity, app.here, nextNumber());
  const needed = [...entity.attributes.values()].filter(isRequired).map(({ name }) => [name, values[name]]);
  const { data, errors } = await graph.create(app.root(), entity, {
    ...Object.fromEntries(needed),
    ...given,
  });
  expect(errors).toBeUndefined();
  return data.payload.object.id as string;
};

const change = async (entity: Entity, id: string, values: Values): Promise<void> => {
  expect((await graph.update(app.root(), entity, id, values)).errors).toBeUndefined();
};

const remove = (entity: Entity, id: string) =>
  app.root().call('DELETE', `/v3/crud/${entity.table}/${id}?method=delete`);

/** Ids that a search finds, the same through every door. */
async function found(entity: Entity, q: string, caller: Caller = app.root()): Promise<string[]> {
  const path = `/v3/crud/${entity.table}/`;
  const all = 'enabled=all&hidden=all&limit=1000';
  const { data } = await graph.list(caller, entity, { q, first: 1000 }, 'nodes { id } totalCount');
  const ids = data.list.nodes.map(({ id }: Values) => id) as string[];
  const get = await caller.call('GET', `${path}?${all}&q=${encodeURIComponent(q)}`);
  const post = await caller.call('POST', `${path}search?${all}`, { q });
  expect(get.data.map(({ id }: Values) => id)).toEqual(ids);
  expect(post.data.map(({ id }: Values) => id)).toEqual(ids);
  expect([data.list.totalCount, get.meta.total, post.meta.total]).toEqual(Array(3).fill(ids.length));
  return ids;
}

describe.each(typesOf(made))('%s', (type) => {
  const entity = entityOf(type);
  const attributes = [...entity.attributes.values()];
  /** Attributes that a caller sets and `q` searches, with a value that holds a word. */
  const own = attributes.flatMap((attribute): { name: string; holding: (word: string) => unknown }[] => {
    const { name, search, textOf } = attribute;
    if (search && textOf)
      return [{ name: textOf, holding: (word) => [{ name: 'The desk', phones: [{ work: `+1 ${word}` }] }] }];
    return search && isWritable(attribute) ? [{ name, holding: (word) => `The ${word}!` }] : [];
  });

  test.each(own)('is found by its $name as long as it says so', async ({ name, holding }) => {
    const [first, second] = [newWord(), newWord()];
    const id = await make(entity, { [name]: holding(first) });
    expect(await found(entity, first)).toEqual([id]);
    expect(await found(entity, `${first.slice(0, -1).toUpperCase()} the`)).toContain(id);
    await change(entity, id, { [name]: holding(second) });
    expect([await found(entity, first), await found(entity, second)]).toEqual([[], [id]]);
    if (entity.attributes.get(name)?.nullable) {
      await change(entity, id, { [name]: null });
      expect(await found(entity, second)).toEqual([]);
      await change(entity, id, { [name]: holding(second) });
    }
    await remove(entity, id);
    expect(await found(entity, second)).toEqual([]);
  });
});

const pairs = searched.flatMap((child) =>
  feedsOf(child).map(({ parent, by, texts }) => ({
    parent: parent.table,
    child: child.table,
    by,
    texts,
    names: texts.map(({ name }) => name).join(', '),
  })),
);

/** What a new child is given to come to lie below an object, where its reference is taken from another: with one of those. */
async function below(child: Entity, by: Attribute, id: string): Promise<Values> {
  const { through } = by.ref!;
  if (!through) return { [by.name]: id };
  const between = entityOf(child.attributes.get(through)!.ref!.type);
  return { [through]: await make(between, await below(between, between.byColumn.get(by.column)!, id)) };
}

describe.each(pairs)('$parent, with the $names of $child', ({ parent: above, child: type, by, texts }) => {
  const [parent, child] = [entityOf(above), entityOf(type)];
  const nothing = Object.fromEntries(texts.map(({ name }) => [name, null]));
  const updated = async (id: string) => (await app.rowOf(above, id))!.updated_on;

  test.each(texts.map(({ name }) => ({ name })))('is found by a $name below it', async ({ name }) => {
    const [a, b] = [await make(parent), await make(parent)];
    const before = [await updated(a), await updated(b)];
    const told = jest.spyOn(app.services, 'changed');
    const [first, second] = [newWord(), newWord()];
    const toA = await below(child, by, a);
    const toB = await below(child, by, b);
    told.mockClear();

    const id = await make(child, { ...nothing, ...toA, [name]: first });
    expect(await found(parent, first)).toEqual([a]);
    await change(child, id, { [name]: second });
    expect([await found(parent, first), await found(parent, second)]).toEqual([[], [a]]);
    await change(child, id, toB);
    expect(await found(parent, second)).toEqual([b]);
    await change(child, id, nothing);
    expect(await found(parent, second)).toEqual([]);
    await change(child, id, { ...toA, [name]: first });
    expect(await found(parent, first)).toEqual([a]);
    await remove(child, id);
    expect(await found(parent, first)).toEqual([]);

    // Nothing of the object itself has changed, and nobody is told that it had.
    expect([await updated(a), await updated(b)]).toEqual(before);
    expect(told.mock.calls.flat()).not.toContain(above);
    told.mockRestore();
  });

  test('is found no more by what goes along with what it belonged to, and follows it when that moves', async () => {
    const { through } = by.ref!;
    if (!through) return;
    const between = entityOf(child.attributes.get(through)!.ref!.type);
    const [a, b] = [await make(parent), await make(parent)];
    const toA = await below(child, by, a);
    const word = newWord();
    for (let i = 0; i < 3; i += 1)
      await make(child, { ...nothing, ...toA, [texts[0]!.name]: `${word}${String(i)}` });
    expect(await found(parent, word)).toEqual([a]);
    const next = between.byColumn.get(by.column)!;
    await change(between, String(toA[through]), await below(between, next, b));
    expect(await found(parent, `${word}0 ${word}1 ${word}2`)).toEqual([b]);
    await remove(between, String(toA[through]));
    expect(await found(parent, word)).toEqual([]);
  });

  test('is found by all that are written below it at once', async () => {
    const a = await make(parent);
    const ids = await Promise.all(
      Array.from({ length: 4 }, async () => make(child, { ...nothing, ...(await below(child, by, a)) })),
    );
    const words = [...Array(20).keys()].map(() => newWord());
    const toA = await below(child, by, a);
    await Promise.all([
      ...words.slice(4).map((word) => make(child, { ...nothing, ...toA, [texts[0]!.name]: word })),
      ...ids.map((id, i) => change(child, id, { [texts[0]!.name]: words[i] })),
    ]);
    expect(await found(parent, words.join(' '))).toEqual([a]);
  });
});

/* ---- many at once ---- */

const contextOf = (): Context => {
  const identity = { pk: 0, id: 'a-test-of-it' };
  const key = { ...identity, name: 'test', administrative: true };
  return new Context({ key, account: null, person: null, user: null, level: 'super' }, app.services, 'test');
};

test('five hundred rows at once take few statements, whatever gathers from them', async () => {
  const presentation = entityOf('event_presentation');
  const sessions = await seedMore(
    app.services,
    entityOf('event_session'),
    app.here,
    [...Array(50).keys()].map(() => ({ eventId: app.here.rows.event![0]!.id, eventLocationId: null })),
  );
  const [word, first] = [newWord(), newWord()];
  const rows = await seedMore(
    app.services,
    presentation,
    app.here,
    [...Array(500).keys()].map((n) => ({
      eventSessionId: sessions[n % 50]!.id,
      eventId: app.here.rows.event![0]!.id,
      name: first,
    })),
  );
  expect(await found(entityOf('event_session'), first)).toHaveLength(50);
  const keys = await Promise.all(
    rows.map(async ({ id }) => {
      const { id: pk, account_id: account } = (await app.rowOf('event_presentation', id))!;
      return { id, pk: pk as number, account: account as number };
    }),
  );
  const statements = await app.statementsOf(() =>
    write(contextOf(), (unit) => changeRows(unit, presentation, keys, { name: word })),
  );
  // Begin and commit, one for the rows, two for what gathers from them, for each hundred texts a read and a write, and what is told
  // of the change: three for the first of an account, and one for each hundred in the activity log.
  expect(statements).toBeLessThanOrEqual(2 + 1 + 2 + 2 * (5 + 1) + 3 + 5);
  expect(await found(entityOf('event_session'), first)).toEqual([]);
  expect(await found(entityOf('event_session'), word)).toHaveLength(50);
  expect(await found(presentation, word)).toHaveLength(500);
});

/* ---- the same rows everywhere ---- */

const odd = [
  'Zürich',
  'ZURICH west',
  "O'Brien",
  'o brien',
  'Jean-Luc Müller',
  'Straße des 17. Juni',
  'STRASSE',
  'Łukasz Søren',
  'İstanbul',
  'ΟΔΟΣ 12',
  'Москва 2026',
  '日本語テスト',
  '日本',
  'สวัสดี',
  '한국어',
  'हिन्दी',
  'the',
  'from here to there',
  'theatre',
  'what a week',
  'AI',
  'a',
  'Ab c',
  '100% of it',
  '100 of 1',
  'C++ and C#',
  '+plus *star -minus ~tilde',
  '"two quotes"',
  "it''s; DROP TABLE event; --",
  'back\\slash',
  'snake_case',
  '🎉 party 🎉',
  '𝒜𝓃𝓃 𐐨',
  `${'x'.repeat(60)}y`,
  `${'x'.repeat(60)}z`,
  'grace.hopper@example.org',
  '1x2',
  'x17xhopper',
];

/** Questions made of what the rows hold: beginnings, ends and middles of it, beside what they do not hold. */
const question = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: piece() },
      {
        weight: 1,
        arbitrary: fc.constantFrom('%', '_', '*', '+', '-a', '"', '()', '@', '\\', "'", '🎉', '<b>', '~'),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 4 }) },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((words) => words.join(' '));

function piece(): fc.Arbitrary<string> {
  return fc
    .record({
      word: fc.constantFrom(
        ...odd.flatMap((text) => text.split(' ')),
        'Opening',
        'coffee',
        'heart',
        'nowhere',
      ),
      start: fc.constantFrom(0, 0, 0, 1, 2),
      length: fc.constantFrom(1, 2, 3, 5, 99),
      shout: fc.constantFrom('toUpperCase' as const, 'toLowerCase' as const, 'normalize' as const),
    })
    .map(({ word, start, length, shout }) =>
      [...word]
        .slice(start, start + length)
        .join('')
        [shout](),
    );
}

describe('what q finds', () => {
  let world: World;
  beforeAll(async () => {
    for (const entity of made)
      await seedMore(
        app.services,
        entity,
        app.here,
        odd.map((name) => ({ name, enable: true, hide: false })),
      );
    world = await readWorld(app);
  }, 60_000);

  /** The words of an object, read off its searched attributes. */
  const wordsIn = (entity: Entity, object: Values): string =>
    wordsOf(
      [...entity.attributes.values()]
        .filter(({ search }) => search)
        .map(({ name }) => object[name] ?? '')
        .join(' '),
    );

  test.each(typesOf(searched))(
    'of %s is what its words begin with, on every database',
    async (type) => {
      const entity = entityOf(type);
      for (const object of world[type]!)
        expect([object.id, object.defaultQryStr ?? '']).toEqual([object.id, wordsIn(entity, object)]);
      await fc.assert(
        fc.asyncProperty(question, async (q) => {
          const asked = q.split(/\s+/).map(wordsOf).filter(Boolean);
          const blank = q.trim() === '';
          const expected = world[type]!.filter(
            (object) =>
              blank ||
              (asked.length > 0 &&
                asked.every((words) => ` ${wordsIn(entity, object)}`.includes(` ${words}`))),
          );
          expect((await found(entity, q)).sort()).toEqual(expected.map(({ id }) => id).sort());
        }),
        { numRuns: 15, seed },
      );
    },
    60_000,
  );

  test('is the same without the index of words', async () => {
    const types = [...app.services.indexedWords].map(entityOf);
    expect(types.length > 0).toBe(target === 'mariadb');
    const { indexedWords } = app.services;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...made), question, async (entity, q) => {
        const with_ = await found(entity, q);
        Object.assign(app.services, { indexedWords: new Set() });
        const without = await found(entity, q).finally(() => {
          Object.assign(app.services, { indexedWords });
        });
        expect(without).toEqual(with_);
      }),
      { numRuns: 40, seed },
    );
  }, 60_000);

  test('takes fifty words, and no more', async () => {
    const event = entityOf('event_badge');
    const text = 'alpha beta gamma';
    const id = await make(event, { name: text });
    expect(await found(event, `${text} `.repeat(16))).toEqual([id]);
    expect((await graph.list(app.root(), event, { q: 'alpha '.repeat(51) }, 'totalCount')).code).toBe(
      'LIMIT_EXCEEDED',
    );
  });

  test('is asked of the index wherever there is one', async () => {
    const asked = jest.spyOn(app.services.database, 'select');
    for (const type of app.services.indexedWords) {
      const entity = entityOf(type);
      for (const q of ['zürich', 'the', 'a']) {
        asked.mockClear();
        await graph.list(app.root(), entity, { q }, 'nodes { id } totalCount');
        const searches = asked.mock.calls.filter(([sql]) => sql.includes('INSTR'));
        expect(searches.length).toBeGreaterThan(0);
        for (const [sql, values] of searches) {
          const plan = await app.services.database.select<{ type: string; table: string }>(
            `EXPLAIN ${sql}`,
            values,
          );
          expect(plan.map(({ type: how }) => how)).toContain('fulltext');
        }
      }
    }
    asked.mockRestore();
  });
});

/* ---- who finds what ---- */

describe('nobody finds by what they may not read', () => {
  test('people by their e-mail address, where it is masked or left out', async () => {
    const [badge, presenter, session] = ['event_badge', 'event_presenter', 'event_session'].map(entityOf) as [
      Entity,
      Entity,
      Entity,
    ];
    const word = newWord();
    const address = { email: `${word}@${word}.example.org` };
    await make(badge, { ...address, emailOverride: `x.${word}@example.org`, phone: word });
    await make(presenter, { ...address, comments: word, passcode: word });
    for (const [entity, levels] of [
      [badge, ['public', 'trusted']],
      [presenter, ['anonymous', 'public', 'trusted']],
      [session, ['anonymous', 'public', 'trusted']],
    ] as const)
      for (const level of levels)
        for (const q of [word, address.email, `${word}@`, `${word}.example`])
          expect({ type: entity.table, level, q, ids: await found(entity, q, app.as(level)) }).toEqual({
            type: entity.table,
            level,
            q,
            ids: [],
          });
  });

  test('people by a text that an older server left, which may hold anything', async () => {
    const { database } = app.services;
    const badge = entityOf('event_badge');
    const [word, mailbox] = [newWord(), newWord()];
    const id = await make(badge);
    await database.transaction((tx) =>
      database.select(
        'UPDATE event_badge SET default_qry_str = ? WHERE id_random = ?',
        [`Grace ${word.toUpperCase()} ${mailbox}@example.org`, id],
        tx,
      ),
    );
    expect(await found(badge, `${word} ${mailbox}`, app.staff())).toEqual([id]);
    for (const q of [mailbox, word]) expect(await found(badge, q, app.as('public'))).toEqual([]);
    await change(badge, id, { name: word });
    expect(await found(badge, word, app.as('public'))).toEqual([id]);
    expect(await found(badge, mailbox, app.staff())).toEqual([]);
  });
});

/* ---- the command ---- */

test('texts that are out of date are told, and brought up to date once', async () => {
  const { database } = app.services;
  const rebuild = async (entity: Entity, check: boolean) => {
    const sum = { read: 0, stale: 0 };
    for await (const { read, stale } of rebuildTexts(database, entity, { check })) {
      sum.read += read;
      sum.stale += stale;
    }
    return sum;
  };
  for (const entity of searched) {
    const read = await app.countRows(entity.table);
    expect([entity.table, await rebuild(entity, true)]).toEqual([entity.table, { read, stale: 0 }]);
    const before = await database.select(`SELECT * FROM \`${entity.table}\` ORDER BY id`);
    await database.transaction((tx) =>
      database.select(
        `UPDATE \`${entity.table}\` SET default_qry_str = 'Left By Another', updated_on = updated_on WHERE id > 1`,
        [],
        tx,
      ),
    );
    const stale = before.filter(({ id }) => Number(id) > 1).length;
    expect(await rebuild(entity, true)).toEqual({ read, stale });
    expect(await rebuild(entity, false)).toEqual({ read, stale });
    expect(await rebuild(entity, false)).toEqual({ read, stale: 0 });
    // Updated_on is as it was, like everything else.
    expect(await database.select(`SELECT * FROM \`${entity.table}\` ORDER BY id`)).toEqual(before);
  }
});

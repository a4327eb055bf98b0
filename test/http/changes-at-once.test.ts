import { setTimeout as sleep } from 'node:timers/promises';
import { recordChanges, recorderIn } from '../../src/kernel/changes';
import { Context } from '../../src/kernel/context';
import { entityOf } from '../../src/kernel/entity';
import { write } from '../../src/kernel/unit-of-work';
import { insertObject } from '../../src/kernel/write';
import { keyOf, useApp, type TestApp } from '../support/app';
import { askChanges, changesSince, cursorOf, type ToldChange } from '../support/changes';
import { graph } from '../support/graph';
import { target } from '../support/jest-target';

/* Two servers over one database: transactions end in another order than they began, and here and there at once. */
const one = useApp({ rows: 1 });
const other = useApp({ rows: 1, through: () => one.place });
const person = entityOf('person');
/** SQLite has one writer at a time, and two processes ask again and again for their turn. */
const [writers, turns] = target === 'mariadb' ? [8, 4] : [4, 3];
const many = (n: number) => [...Array(n).keys()];

test('many who write at once are told of completely and in order, whoever reads meanwhile', async () => {
  const since = await cursorOf(one.root());
  /** What each writer has done, one after the other. */
  const written: { id: string; action: string }[][] = many(writers).map(() => []);
  let writing = true;

  const write = async (n: number): Promise<void> => {
    const done = written[n]!;
    for (const turn of many(turns)) {
      // What one server has answered the other must find, and must tell of later.
      const [here, there] = turn % 2 === 0 ? [one.root(), other.root()] : [other.root(), one.root()];
      const inputs = many(n % 3 === 0 ? 15 : 1).map((each) => ({ name: `${n}.${turn}.${each}` }));
      const made = await graph.createMany(here, person, inputs);
      const ids = made.data.payload.nodes.map(({ id }: { id: string }) => id) as string[];
      done.push(...ids.map((id) => ({ id, action: 'CREATED' })));
      const filter = { id: { in: ids } };
      const updated = await graph.updateMany(there, person, filter, { prefix: 'x' });
      expect(updated.data.payload.count).toBe(ids.length);
      done.push(...ids.map((id) => ({ id, action: 'UPDATED' })));
      // That fails tells of nothing.
      await graph.createMany(here, person, [{ name: 'good' }, { prefix: 'x'.repeat(300) }]);
      if (turn % 3 !== 0) continue;
      expect((await graph.removeMany(here, person, filter, 'DELETE')).data.payload.count).toBe(ids.length);
      done.push(...ids.map((id) => ({ id, action: 'REMOVED' })));
    }
  };
  /** Pages all the time; what it has not seen of an object because it is gone is not in what it keeps. */
  const read = async (n: number): Promise<ToldChange[]> => {
    const told: ToldChange[] = [];
    for (let cursor = since; ;) {
      const last = !writing;
      const { data } = await askChanges([one, other][n % 2]!.root(), { since: cursor, first: 1 + 7 * n });
      cursor = data.changes.endCursor;
      told.push(...data.changes.nodes);
      if (data.changes.hasNextPage) continue;
      if (last) return told;
      await sleep(5);
    }
  };

  const readers = many(3).map(read);
  await Promise.all(many(writers).map(write));
  writing = false;
  const all = written.flat();
  const removed = new Set(all.filter(({ action }) => action === 'REMOVED').map(({ id }) => id));
  const key = ({ id, action }: { id: string; action: string }) => `${action} ${id}`;
  for (const told of [...(await Promise.all(readers)), await changesSince(one.root(), since)]) {
    const keys = told.map(key);
    expect(new Set(keys).size).toBe(keys.length);
    const expected = new Set(all.map(key));
    expect(keys.filter((each) => !expected.has(each))).toEqual([]);
    // A change of an object that was gone when it was asked for may be left out, its deletion is not.
    const missing = all.filter((each) => !keys.includes(key(each)));
    expect(missing.filter(({ id, action }) => action === 'REMOVED' || !removed.has(id))).toEqual([]);
    for (const done of written) {
      const places = done.map((each) => keys.indexOf(key(each))).filter((place) => place >= 0);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
    }
  }
});

const contextOf = async ({ services, here }: TestApp): Promise<Context> => {
  const viewer = await services.viewers.resolve({ key: keyOf('super'), account: here.account } as never);
  return new Context(viewer, services, 'test');
};

test('a transaction that ends late is told of late, though it began and wrote first', async () => {
  const since = await cursorOf(one.root());
  let began = (): void => undefined;
  const hasBegun = new Promise<void>((resolve) => (began = resolve));
  const slow = write(await contextOf(one), async (unit) => {
    const id = await insertObject(unit, person, { name: 'slow' });
    began();
    await sleep(500);
    return id;
  });
  await hasBegun;
  const fast = await write(await contextOf(other), (unit) => insertObject(unit, person, { name: 'fast' }));
  const between = await askChanges(one.root(), { since });
  const ids = (nodes: ToldChange[]) => nodes.map(({ id }) => id);
  const expected = target === 'mariadb' ? [fast, await slow] : [await slow, fast];
  if (target === 'mariadb') expect(ids(between.data.changes.nodes)).toEqual([fast]);
  expect(ids(await changesSince(other.root(), since))).toEqual(expected);
  const rest = await changesSince(other.root(), between.data.changes.endCursor);
  expect(ids(rest)).toEqual(target === 'mariadb' ? [await slow] : []);
});

// SQLite has one at a time.
if (target === 'mariadb')
  describe('a transaction that has told of its changes and not yet ended', () => {
    /** Holds one in this state, with a change of the person, until it is let go. */
    async function holding(id: string): Promise<() => Promise<void>> {
      const { id: pk, account_id: account } = (await one.rowOf('person', id)) as {
        id: number;
        account_id: number;
      };
      let letGo = (): void => undefined;
      const mayEnd = new Promise<void>((resolve) => (letGo = resolve));
      let ended: Promise<void>;
      await new Promise<void>((hasTold, hasFailed) => {
        ended = one.services.database.transaction(async (tx) => {
          const change = { entity: person, verb: 'updated', pk, id, account } as const;
          await recordChanges(recorderIn(one.services.database, tx), [change], new Date());
          hasTold();
          await mayEnd;
        });
        ended.catch(hasFailed);
      });
      return () => {
        letGo();
        return ended;
      };
    }

    test('keeps nobody from writing, but readers from passing it', async () => {
      const id = one.here.rows.person![0]!.id;
      const since = await cursorOf(one.root());
      const end = await holding(id);
      const later = await graph.create(other.root(), person, { name: 'later' });
      const asked = changesSince(other.root(), since);
      const first = await Promise.race([asked, sleep(300, 'waiting')]);
      await end();
      expect(first).toBe('waiting');
      expect((await asked).map((told) => told.id)).toEqual([id, later.data.payload.object.id]);
    });

    test('keeps nobody of another account waiting', async () => {
      const since = await cursorOf(one.otherAccount());
      const end = await holding(one.here.rows.person![0]!.id);
      const { data } = await graph.create(other.otherAccount(), person, { name: 'elsewhere' });
      const told = await changesSince(one.otherAccount(), since);
      await end();
      expect(told.map(({ id }) => id)).toEqual([data.payload.object.id]);
    });
  });

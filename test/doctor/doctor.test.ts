import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Bindable } from '../../src/database/database';
import { apply } from '../../src/doctor/changes';
import { doctor, type Outcome } from '../../src/doctor/doctor';
import { Examination } from '../../src/doctor/examine';
import type { Finding } from '../../src/doctor/problems';
import type { Attribute } from '../../src/kernel/attributes';
import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { tablesOf } from '../../src/kernel/registry';
import { seedDemo } from '../../seeders/demo';
import { useApp, type TestApp } from '../support/app';
import { changesSince, cursorOf } from '../support/changes';
import { corruptions, looseTables, plant } from '../support/loose-tables';

// Rows for all the ways of breaking a value.
const app = useApp({ rows: 7, through: looseTables });
const sound = useApp({ rows: 4 });
const types = allEntities().map((entity) => ({ type: entity.table, entity }));

const examine = (where: TestApp = app, ...only: string[]): Promise<Outcome> =>
  doctor(where.services.database, { types: some(only), examples: 5, told: () => undefined });
const fix = (...only: string[]): Promise<Outcome> =>
  doctor(app.services.database, {
    fixInto: app.folder,
    types: some(only),
    examples: 5,
    told: () => undefined,
  });

const some = (types: string[]): string[] | undefined => (types.length > 0 ? types : undefined);

async function findings(...only: string[]): Promise<Finding[]> {
  const all: Finding[] = [];
  const examination = await Examination.of(app.services.database, some(only));
  for await (const page of examination.findings(() => undefined)) all.push(...page);
  return all;
}

/** Everything in every table, or in these, as it is. */
const everything = (...only: string[]) =>
  Promise.all(
    (some(only) ?? types.map(({ type }) => type)).map((type) =>
      app.services.database.select<{ id: number }>(`SELECT * FROM \`${type}\` ORDER BY id`),
    ),
  );

const pkOf = async ({ table }: Entity, n = 0): Promise<number> =>
  (await app.rowOf(table, app.here.rows[table]![n]!.id))!.id as number;

const stored = ({ attributes }: Entity): Attribute[] => [...attributes.values()].filter(({ sql }) => !sql);

/** Corrupts, and sets right again by taking the repair back, and then what was planted. */
async function whilePlanted(
  plants: { entity: Entity; pk: number; values: Record<string, Bindable> }[],
  work: () => Promise<void>,
): Promise<void> {
  const { database } = app.services;
  const before = await Promise.all(
    plants.map(async ({ entity, pk, values }) => {
      const columns = Object.keys(values).map((column) => `\`${column}\``);
      const rows = await database.select<Record<string, Bindable>>(
        `SELECT ${columns.join()} FROM \`${entity.table}\` WHERE id = ?`,
        [pk],
      );
      return rows[0]!;
    }),
  );
  try {
    for (const { entity, pk, values } of plants) await plant(database, entity.table, pk, values);
    await work();
  } finally {
    for (const [n, { entity, pk }] of plants.entries()) await plant(database, entity.table, pk, before[n]!);
  }
}

describe('a sound database', () => {
  test('is clean, with generated rows and with those of the demo', async () => {
    await seedDemo(sound.services);
    const { report, notes } = await examine(sound);
    expect({ found: report.found, notes }).toEqual({ found: [], notes: [] });
    expect(report.rows).toBe(
      (await Promise.all(types.map(({ type }) => sound.countRows(type)))).reduce((sum, n) => sum + n, 0),
    );
  });

  test('is clean in old tables too, which are told to keep no ids apart', async () => {
    const { report, notes } = await examine();
    expect(report.found).toEqual([]);
    expect(notes).toEqual(
      types.map(({ type }) => expect.stringContaining(`${type}.id_random has no unique index`)),
    );
  });
});

/** What the doctor says of a broken value, and what it makes of it; undefined where it leaves it alone. */
function expectedOf(attribute: Attribute, value: Bindable): { problem: string; after?: unknown } {
  const { kind, nullable, name } = attribute;
  const exact = typeof value !== 'number' || Number.isSafeInteger(value) || !Number.isInteger(value);
  const nothing = nullable && exact ? { after: null } : {};
  switch (kind) {
    case 'id':
      return { problem: 'id-broken', after: expect.stringMatching(/^[\w-]{11}$/) };
    case 'bool':
      return { problem: 'unreadable', after: nullable ? null : 0 };
    case 'ref':
    case 'anyId':
      return {
        problem: typeof value === 'number' ? 'dangling' : 'unreadable',
        ...(name === 'accountId' ? {} : nothing),
      };
    case 'anyType':
      return { problem: value === null ? 'missing' : 'type-unknown' };
    case 'json':
    case 'datetime':
    case 'int':
    case 'float':
    case 'decimal':
      return { problem: 'unreadable', ...nothing };
    case 'bigint':
      // MariaDB's driver rounds what is too large: what is not known exactly could not be put back.
      return { problem: 'unreadable', ...(app.services.database.dialect === 'sqlite' && nothing) };
    default:
      return { problem: 'unreadable' };
  }
}

describe.each(types)('$type', ({ entity }) => {
  const { table } = entity;

  test('has each broken value found, repaired and put back byte for byte', async () => {
    const { dialect } = app.services.database;
    const clean = await everything();
    const kinds = stored(entity).map((attribute) => ({ attribute, some: corruptions(attribute, dialect) }));
    // What is taken from a parent is told by it: see below. A type and its id are looked at together.
    const broken = kinds.filter(
      ({ attribute: { ref, kind }, some }) => some.length > 0 && !ref?.through && kind !== 'anyType',
    );
    const turns = Math.max(...kinds.map(({ some }) => some.length));
    const rows = app.here.rows[table]!.length;
    // A row for each way of breaking its values, as many at once as there are rows.
    for (let first = 0; first < turns; first += rows) {
      const planted = await Promise.all(
        [...Array(Math.min(rows, turns - first)).keys()].map(async (n) => {
          const values = broken.map(({ attribute, some }) => ({
            attribute,
            value: some[(first + n) % some.length]!,
          }));
          return { pk: await pkOf(entity, n), values };
        }),
      );
      const plants = planted.map(({ pk, values }) => ({
        entity,
        pk,
        values: Object.fromEntries(values.map(({ attribute, value }) => [attribute.column, value])),
      }));
      await whilePlanted(plants, async () => {
        const corrupt = await everything(table);
        const found = (await findings(table)).filter((each) => each.table === table);
        for (const { pk, values } of planted)
          for (const { attribute, value } of values) {
            const { problem, after } = expectedOf(attribute, value);
            const each = found.find((one) => one.pk === pk && one.column === attribute.column);
            const where = `${attribute.name}: ${String(value)}`;
            expect({ where, problem: each?.problem, after: each?.repair?.after }).toEqual({
              where,
              problem,
              after,
            });
          }

        const outcome = await fix(table);
        expect(outcome.applied).toMatchObject({ changed: outcome.report.repairable, left: 0 });
        expect(statSync(outcome.file!).mode & 0o777).toBe(0o600);
        const again = await examine(app, table);
        expect({ repairable: again.report.repairable, found: again.report.found }).toMatchObject({
          repairable: 0,
        });
        // Nothing else in the whole database has changed.
        const own = types.findIndex(({ type }) => type === table);
        const fixed = await everything();
        expect(fixed.toSpliced(own, 1)).toEqual(clean.toSpliced(own, 1));
        const others = (all: { id: number }[] = []) =>
          all.filter(({ id }) => !planted.some(({ pk }) => pk === id));
        expect(others(fixed[own])).toEqual(others(clean[own]));

        const undone = await apply(app.services.database, outcome.file!, 'undo');
        expect(undone).toMatchObject({ changed: outcome.applied!.changed, left: 0 });
        expect(await everything(table)).toEqual(corrupt);
        expect(await apply(app.services.database, outcome.file!, 'undo')).toMatchObject({
          changed: 0,
          already: outcome.applied!.changed,
        });
      });
    }
    expect(await everything()).toEqual(clean);
  });

  if (entity.tenant !== 'self')
    test('has ids that several rows share parted: the oldest keeps its own', async () => {
      const rows = app.here.rows[table]!;
      const { id } = rows[0]!;
      const pks = await Promise.all([0, 1, 2].map((n) => pkOf(entity, n)));
      const shared = pks.slice(1).map((pk) => ({ entity, pk, values: { id_random: id } }));
      await whilePlanted(shared, async () => {
        const found = await findings(table);
        expect(found.map(({ pk, column, problem }) => ({ pk, column, problem }))).toEqual(
          pks.slice(1).map((pk) => ({ pk, column: 'id_random', problem: 'id-shared' })),
        );
        const { file } = await fix(table);
        const ids = await app.services.database.select<{ id: string }>(
          `SELECT t.id_random AS id FROM \`${table}\` t WHERE t.id IN (?, ?, ?) ORDER BY t.id`,
          pks,
        );
        expect(ids[0]!.id).toBe(id);
        expect(new Set(ids.map((each) => each.id)).size).toBe(3);
        expect(await findings(table)).toEqual([]);
        await apply(app.services.database, file!, 'undo');
        expect(await findings(table)).toHaveLength(2);
      });
    });

  test('has switches that are neither on nor off found, and set to what they count as', async () => {
    const pk = await pkOf(entity);
    const flags = stored(entity).filter(({ kind, nullable }) => kind === 'bool' && !nullable);
    if (flags.length === 0) return;
    for (const [value, problem, after] of [
      [null, 'flag-unset', 0],
      [2, 'flag-odd', 1],
      [-1, 'flag-odd', 1],
    ] as const) {
      const values = Object.fromEntries(flags.map(({ column }) => [column, value]));
      await whilePlanted([{ entity, pk, values }], async () => {
        expect(await findings(table)).toEqual(
          flags.map(({ column }) => ({ table, pk, column, problem, repair: { before: value, after } })),
        );
      });
    }
  });

  test('has texts that are longer than declared found, and left as they are', async () => {
    const pk = await pkOf(entity);
    const texts = stored(entity).filter(
      ({ kind }) => kind === 'string' || kind === 'hash' || kind === 'text',
    );
    if (texts.length === 0) return;
    const values = Object.fromEntries(
      texts.map(({ column, max }) => [column, 'é'.repeat(max === undefined ? 32_768 : max + 1)]),
    );
    await whilePlanted([{ entity, pk, values }], async () => {
      expect((await findings(table)).filter(({ problem }) => problem !== 'not-unique')).toEqual(
        texts.map(({ column }) => ({ table, pk, column, problem: 'too-long' })),
      );
      expect((await fix(table)).file).toBeUndefined();
    });
    const fitting = Object.fromEntries(texts.map(({ column, max }) => [column, 'é'.repeat(max ?? 32_767)]));
    await whilePlanted([{ entity, pk, values: fitting }], async () => {
      expect((await findings(table)).filter(({ problem }) => problem !== 'not-unique')).toEqual([]);
    });
  });

  test('has references to another account found, and left as they are', async () => {
    const pk = await pkOf(entity);
    for (const attribute of stored(entity)) {
      const { ref, column, name } = attribute;
      if (!ref || ref.through || name === 'accountId') continue;
      const strange = app.there.rows[ref.type]![0]!;
      const there = (await app.rowOf(ref.type, strange.id))!.id as number;
      await whilePlanted([{ entity, pk, values: { [column]: there } }], async () => {
        const found = await findings(table);
        expect(found).toContainEqual({ table, pk, column, problem: 'elsewhere' });
      });
    }
  });

  test('has values found that should be there and are not', async () => {
    const pk = await pkOf(entity);
    const needed = stored(entity).filter(
      ({ nullable, kind, ref }) => !nullable && kind !== 'bool' && kind !== 'id' && !ref?.through,
    );
    for (const { column } of needed)
      await whilePlanted([{ entity, pk, values: { [column]: null } }], async () => {
        expect(await findings(table)).toContainEqual({ table, pk, column, problem: 'missing' });
      });
  });

  test('has rows found that together have what only one may', async () => {
    const indexes = tablesOf([entity])[0]!.indexes.filter(
      ({ unique, columns }) => unique && !columns.includes('id_random'),
    );
    for (const { columns } of indexes) {
      const [first, second] = [await pkOf(entity), await pkOf(entity, 1)];
      const row = (await app.rowOf(table, app.here.rows[table]![0]!.id))!;
      const values = Object.fromEntries(columns.map((column) => [column, row[column] as Bindable]));
      await whilePlanted([{ entity, pk: second, values }], async () => {
        expect(await findings(table)).toContainEqual({
          table,
          pk: Math.max(first, second),
          column: columns.join(', '),
          problem: 'not-unique',
        });
      });
    }
  });
});

const throughs = types.flatMap(({ entity }) =>
  stored(entity)
    .filter(({ ref }) => ref?.through)
    .map((attribute) => ({ name: `${entity.table}.${attribute.column}`, entity, attribute })),
);

test.each(throughs)(
  '$name that contradicts its parent takes what that says',
  async ({ entity, attribute }) => {
    const { table } = entity;
    const { column } = attribute;
    for (const { id } of app.here.rows[table]!) {
      const row = (await app.rowOf(table, id))!;
      const pk = row.id as number;
      const others = app.here.rows[attribute.ref!.type]!;
      const wrong = await Promise.all(
        others.map(async (other) => (await app.rowOf(attribute.ref!.type, other.id))!.id),
      );
      for (const value of [wrong.find((other) => other !== row[column]) as number, null, 999_999_999])
        if (value !== row[column])
          await whilePlanted([{ entity, pk, values: { [column]: value } }], async () => {
            const found = (await findings(table)).filter((each) => each.table === table && each.pk === pk);
            expect(found).toContainEqual({
              table,
              pk,
              column,
              problem: 'contradiction',
              repair: { before: value, after: row[column] ?? null },
            });
            await fix(table);
            expect(await findings(table)).toEqual([]);
          });
    }
  },
);

test('what follows from one repair is right in the same run: a chain of parents', async () => {
  const [presentation, presenter] = [entityOf('event_presentation'), entityOf('event_presenter')];
  const events = app.here.rows.event!;
  const wrong = (await app.rowOf('event', events[0]!.id))!.id as number;
  const other = (await app.rowOf('event', events[1]!.id))!.id as number;
  const all = async (entity: Entity) =>
    Promise.all(app.here.rows[entity.table]!.map((_, n) => pkOf(entity, n)));
  const clean = await everything();
  await whilePlanted(
    [
      ...(await all(presentation)).map((pk) => ({ entity: presentation, pk, values: { event_id: wrong } })),
      ...(await all(presenter)).map((pk) => ({ entity: presenter, pk, values: { event_id: other } })),
    ],
    async () => {
      await fix();
      expect(await findings()).toEqual([]);
      expect(await everything()).toEqual(clean);
    },
  );
});

test('a key whose account is gone is told of, and never set free', async () => {
  const entity = entityOf('api_key');
  const pk = await pkOf(entity);
  await whilePlanted([{ entity, pk, values: { account_id: 999_999_999 } }], async () => {
    expect(await findings('api_key')).toEqual([
      { table: 'api_key', pk, column: 'account_id', problem: 'dangling' },
    ]);
  });
});

test('what somebody changes between the look and the repair stays as they made it; so does what they change before it is taken back', async () => {
  const entity = entityOf('event');
  const [pk, second] = [await pkOf(entity), await pkOf(entity, 1)];
  const plants = [pk, second].map((each) => ({ entity, pk: each, values: { cfg_json: '{broken' } }));
  await whilePlanted(plants, async () => {
    const { database } = app.services;
    const outcome = await doctor(database, {
      fixInto: app.folder,
      examples: 5,
      told: () => undefined,
    });
    expect(outcome.applied).toEqual({ changed: 2, already: 0, left: 0, examples: [] });
    const lines = readFileSync(outcome.file!, 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      [pk, second].map((each) => ({
        table: 'event',
        pk: each,
        column: 'cfg_json',
        before: '{broken',
        after: null,
      })),
    );
    await plant(database, 'event', pk, { cfg_json: '{"new":1}' });
    expect(await apply(database, outcome.file!, 'make')).toMatchObject({ changed: 0, already: 1, left: 1 });
    expect(await apply(database, outcome.file!, 'undo')).toEqual({
      changed: 1,
      already: 0,
      left: 1,
      examples: [{ table: 'event', pk, column: 'cfg_json' }],
    });
    const rows = await database.select('SELECT cfg_json FROM event WHERE id IN (?, ?) ORDER BY id', [
      pk,
      second,
    ]);
    expect(rows).toEqual([{ cfg_json: '{"new":1}' }, { cfg_json: '{broken' }]);
  });
});

test('who follows the changes of an account hears of what was repaired, and of what was put back', async () => {
  const entity = entityOf('event');
  const pk = await pkOf(entity);
  const { id } = app.here.rows.event![0]!;
  await whilePlanted([{ entity, pk, values: { cfg_json: '{broken', enable: null } }], async () => {
    const since = await Promise.all([app.root(), app.otherAccount()].map((caller) => cursorOf(caller)));
    const { file } = await fix('event');
    const told = async () => [
      await changesSince(app.root(), since[0]!),
      await changesSince(app.otherAccount(), since[1]!),
    ];
    expect(await told()).toMatchObject([[{ type: 'event', id, action: 'UPDATED' }], []]);
    await apply(app.services.database, file!, 'undo');
    expect(await told()).toMatchObject([
      [
        { type: 'event', id },
        { type: 'event', id },
      ],
      [],
    ]);
  });
});

test('a repair that fails half way has changed nothing', async () => {
  const entity = entityOf('event');
  const pk = await pkOf(entity);
  await whilePlanted(
    [{ entity, pk, values: { cfg_json: '{broken', archive_on: '0000-00-00 00:00:00.000' } }],
    async () => {
      const { database } = app.services;
      const before = await everything();
      const unchecked = database.unchecked.bind(database);
      let updates = 0;
      const failing = Object.assign(Object.create(database) as typeof database, {
        unchecked: <T>(work: Parameters<typeof unchecked>[0]) =>
          unchecked(async (session) =>
            work({
              rows: session.rows.bind(session),
              run: async (sql, values) => {
                updates += 1;
                if (updates === 2) throw new Error('The power is out.');
                await session.run(sql, values);
              },
            }),
          ) as Promise<T>,
      });
      await expect(
        doctor(failing, { fixInto: app.folder, examples: 5, told: () => undefined }),
      ).rejects.toThrow('The power is out.');
      expect(updates).toBe(2);
      expect(await everything()).toEqual(before);
    },
  );
});

describe('the command', () => {
  /** Runs the program that `npm run doctor` builds. */
  async function run(...args: string[]): Promise<{ code: unknown; out: string; err: string }> {
    const { databaseUrl, dataDir } = app.place;
    const child = spawn(process.execPath, [join(__dirname, '../../dist/src/doctor.js'), ...args], {
      env: { PATH: process.env.PATH, DATA_DIR: dataDir, ...(databaseUrl && { DATABASE_URL: databaseUrl }) },
    });
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    return { code, out, err };
  }

  test('tells what is wrong, repairs it, takes it back, and says by its end how it went', async () => {
    const clean = await run();
    expect(clean).toEqual({ code: 0, out: expect.stringMatching(/\n0 values of \d+ rows/), err: '' });

    const entity = entityOf('event_badge_template');
    const pks = await Promise.all([0, 1, 2, 3].map((n) => pkOf(entity, n)));
    const ids = [null, '0', '12', app.here.rows.event_badge_template![4]!.id];
    const plants = pks.map((pk, n) => ({ entity, pk, values: { id_random: ids[n]! } }));
    const secret = {
      entity: entityOf('site'),
      pk: await pkOf(entityOf('site')),
      values: { cfg_json: '{"smtp_password":"hunter2"' },
    };
    await whilePlanted([...plants, secret], async () => {
      const corrupt = await everything();
      const told = await run('--json', '--examples', '2');
      expect({ code: told.code, err: told.err }).toEqual({ code: 1, err: '' });
      expect(JSON.parse(told.out)).toMatchObject({ count: 5, repairable: 5, rows: expect.any(Number) });
      expect(JSON.parse(told.out).found).toContainEqual({
        table: 'event_badge_template',
        column: 'id_random',
        problem: 'id-broken',
        count: 3,
        repairable: 3,
        examples: pks.slice(0, 2),
      });
      const table = await run();
      expect(table.code).toBe(1);
      expect(table.out).toMatch(/^event_badge_template\.id_random +is no public id +3 +yes +\d+, \d+, \d+$/m);
      expect(table.out).toContain('npm run doctor -- --fix');
      expect(table.out).not.toContain('hunter2');
      expect(await everything()).toEqual(corrupt);

      const fixed = await run('--fix', '--json');
      expect(fixed.code).toBe(0);
      const { file, applied } = JSON.parse(fixed.out) as { file: string; applied: unknown };
      expect(applied).toEqual({ changed: 5, already: 0, left: 0, examples: [] });
      expect((await run()).code).toBe(0);
      const undone = await run('--undo', file);
      expect(undone).toEqual({ code: 0, out: '5 values were put back.\n', err: '' });
      expect(await everything()).toEqual(corrupt);

      const second = JSON.parse((await run('--fix', '--json')).out) as { file: string };
      await plant(app.services.database, 'site', secret.pk, { cfg_json: '{}' });
      const again = await run('--undo', second.file);
      expect(again).toMatchObject({
        code: 1,
        out: expect.stringMatching(
          /^4 values were put back\.\n1 were left alone.*\n {2}site \d+: cfg_json\n$/,
        ),
      });
    });
  });

  test('what it cannot repair is told with what to do, and is no success', async () => {
    const entity = entityOf('event_session');
    const pk = await pkOf(entity);
    await whilePlanted([{ entity, pk, values: { event_id: 999_999_999 } }], async () => {
      const { code, out } = await run('--fix');
      expect(code).toBe(1);
      expect(out).toMatch(/^event_session\.event_id +refers to a row that is not there +1 +no +\d+$/m);
      expect(out).toContain('Point it to another row');
    });
  });

  test('ends with 2 when it cannot do its work', async () => {
    for (const args of [
      ['--bogus'],
      ['--examples', 'x'],
      ['--fix', '--undo', 'x'],
      ['--undo', '/not/there'],
      ['--undo', __filename],
    ])
      expect({ args, ...(await run(...args)) }).toEqual({
        args,
        code: 2,
        out: '',
        err: expect.stringMatching(/./),
      });
    const child = spawn(process.execPath, [join(__dirname, '../../dist/src/doctor.js')], {
      env: { PATH: process.env.PATH, DATA_DIR: join(app.folder, 'not-there') },
    });
    expect(await once(child, 'exit')).toEqual([2, null]);
  });
});

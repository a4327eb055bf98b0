import { allEntities, entityOf } from '../../src/kernel/entity';
import { levels } from '../../src/kernel/levels';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { seedMore } from '../support/fixture';
import { graph } from '../support/graph';

const app = useApp({ rows: 2 });

interface Explanation {
  allowed: boolean;
  decidedBy: string | null;
  neededLevel: string | null;
  rules: { rule: string; passes: boolean; reason: string }[];
}

const ask = (caller: Caller, type: string, id: string, more = '') =>
  caller.graphql(
    `{ explainAccess(type: ${type}, id: "${id}"${more}) { allowed decidedBy neededLevel rules { rule passes reason } } }`,
  );

async function explain(caller: Caller, type: string, id: string, more = ''): Promise<Explanation> {
  const { data, errors } = await ask(caller, type, id, more);
  expect(errors).toBeUndefined();
  return data.explainAccess as Explanation;
}

const types = allEntities().map((entity) => ({ type: entity.table, entity }));

describe.each(types)('$type', ({ type, entity }) => {
  test('is explained to be read by a key of each level just as it is read', async () => {
    const { id } = app.here.rows[type]![0]!;
    const may: string[] = [];
    for (const level of levels) {
      const read = (await graph.read(app.as(level), entity, id)).errors === undefined;
      if (read) may.push(level);
      const { allowed, decidedBy, rules } = await explain(
        app.root(),
        type,
        id,
        `, keyId: "TestKey-${level}"`,
      );
      expect({ level, allowed }).toEqual({ level, allowed: read });
      expect(decidedBy).toBe(rules.find(({ passes }) => !passes)?.rule ?? null);
    }
    for (const level of levels)
      expect((await explain(app.root(), type, id, `, keyId: "TestKey-${level}"`)).neededLevel).toBe(may[0]);
  });

  test('has each field explained by the level that it needs', async () => {
    const { id } = app.here.rows[type]![0]!;
    const limited = [...entity.attributes.values()].filter(({ read }) => read);
    for (const { name, read } of limited) {
      const { allowed, rules } = await explain(app.root(), type, id, `, field: "${name}"`);
      expect({ name, allowed }).toEqual({ name, allowed: read !== 'never' });
      expect(rules.at(-1)).toMatchObject({ rule: 'FIELD', reason: expect.stringContaining(String(read)) });
    }
  });
});

test('scopes of a key decide where they leave something out', async () => {
  const given = { level: 'manager', scopesJson: ['person:read'] };
  const [key] = await seedMore(app.services, entityOf('api_key'), app.here, [given]);
  const { id } = app.here.rows.event![0]!;
  const told = await explain(app.administrator(), 'event', id, `, keyId: "${key!.id}"`);
  expect(told).toMatchObject({ allowed: false, decidedBy: 'SCOPE', neededLevel: 'anonymous' });
});

test('of an object of another account no more is told than that it is one', async () => {
  const told = await explain(app.administrator(), 'event', app.there.rows.event![0]!.id);
  expect(told).toMatchObject({ allowed: false, decidedBy: 'ACCOUNT' });
  expect(told.rules.map(({ rule }) => rule)).toEqual(['LEVEL', 'SCOPE', 'ACCOUNT']);
  expect(JSON.stringify(told)).not.toContain(app.there.account);
});

test('is for administrators, of what there is', async () => {
  const { id } = app.here.rows.event![0]!;
  for (const caller of [app.guest(), app.staff()])
    expect((await ask(caller, 'event', id)).code).toBe('FORBIDDEN');
  expect((await ask(app.administrator(), 'event', 'not-there-000')).code).toBe('NOT_FOUND');
  expect((await ask(app.administrator(), 'event', id, ', field: "nonsense"')).code).toBe('BAD_REQUEST');
  const [strange] = await seedMore(app.services, entityOf('api_key'), app.there, [{ level: 'trusted' }]);
  expect((await ask(app.administrator(), 'event', id, `, keyId: "${strange!.id}"`)).code).toBe('FORBIDDEN');
});

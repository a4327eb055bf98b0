import { allEntities } from '../../src/kernel/entity';
import { toManys, toOnes, targetsOf } from '../../src/kernel/registry';
import { useApp } from '../support/app';

const app = useApp({ rows: 20 });

const everyone = 'enabled: ALL, hidden: ALL';

/** Three levels down, along every pair of relations that follow one another. */
const paths = allEntities().flatMap((root) =>
  root.tenant === 'self'
    ? []
    : toManys(root).flatMap(({ field, child }) => [
        ...toManys(child).map((next) => ({
          path: `${root.plural}.${field}.${next.field}`,
          query: (n: number) =>
            `{ ${root.plural}(first: ${String(n)}, ${everyone}) { nodes { id ${field}(first: 5, ${everyone}) { nodes { id
              ${next.field}(first: 5, ${everyone}) { nodes { id name: __typename } } } } } } }`,
        })),
        ...toOnes(child)
          .filter(({ attribute }) => attribute.ref && targetsOf(attribute)[0] !== root)
          .map((next) => ({
            path: `${root.plural}.${field}.${next.field}`,
            query: (n: number) =>
              `{ ${root.plural}(first: ${String(n)}, ${everyone}) { nodes { id ${field}(first: 5, ${everyone}) { nodes { id
                ${next.field} { id createdOn } } } } } }`,
          })),
      ]),
);

/** How many statements it takes when all is remembered that may be; what was remembered of the key is asked again now and then. */
async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < 2; i += 1) await work();
  return Math.min(await app.statementsOf(work), await app.statementsOf(work));
}

const statements = (query: string): Promise<number> => statementsOf(() => app.manager().ask(query));

test.each(paths)('$path takes one statement a level, however many rows there are', async ({ query }) => {
  const counted = { parents2: await statements(query(2)), parents20: await statements(query(20)) };
  // Of two parents none may have children: then there is nothing to read on the levels below.
  expect(counted.parents2).toBeLessThanOrEqual(counted.parents20);
  expect(counted.parents20).toBeLessThanOrEqual(3);
});

test.each(allEntities().map((entity) => ({ type: entity.table, entity })))(
  'a list of $type with all that it refers to and all that belongs to it takes a statement for each',
  async ({ entity }) => {
    const ones = toOnes(entity).filter(({ attribute }) => attribute.ref);
    const manys = toManys(entity);
    const query = (n: number) =>
      `{ ${entity.plural}(first: ${String(n)}, ${everyone}) { totalCount nodes { id
        ${ones.map(({ field }) => `${field} { id createdOn }`).join(' ')}
        ${manys.map(({ field }) => `${field}(first: 3, ${everyone}) { totalCount nodes { id createdOn } }`).join(' ')} } } }`;
    const counted = { rows2: await statements(query(2)), rows20: await statements(query(20)) };
    // Each connection may need a count beside its page.
    const most = 2 + ones.length + 2 * manys.length;
    expect(counted.rows20).toBeLessThanOrEqual(most);
    expect(counted.rows20).toBeLessThanOrEqual(counted.rows2 + manys.length + 1);
  },
);

test.each(allEntities().map((entity) => ({ type: entity.table })))(
  'a list of $type through REST takes two statements, one object takes one',
  async ({ type }) => {
    const rest = (path: string) => async () => {
      await app.manager().call('GET', `/v3/crud/${type}/${path}`);
    };
    const [first] = app.here.rows[type]!;
    expect(await statementsOf(rest('?limit=2&enabled=all&hidden=all'))).toBeLessThanOrEqual(2);
    expect(await statementsOf(rest('?limit=20&enabled=all&hidden=all'))).toBeLessThanOrEqual(2);
    expect(await statementsOf(rest(first!.id))).toBe(1);
  },
);

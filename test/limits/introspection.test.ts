import { getIntrospectionQuery } from 'graphql';
import { entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import type { Caller } from '../support/callers';
import { nextNumber, seedMore } from '../support/fixture';

const app = useApp({ rows: 1, env: { INTROSPECTION: 'administrators' } });
const open = useApp({ rows: 1 });

const questions = [
  getIntrospectionQuery(),
  '{ __schema { queryType { name } } }',
  '{ a: __type(name: "Event") { fields { name } } viewer { level } }',
  'query { ...a } fragment a on Query { ... { __schema { types { name } } } }',
];

async function administrativeKey(): Promise<Caller> {
  const publicKey = `schema-${String(nextNumber())}-key`;
  await seedMore(app.services, entityOf('api_key'), app.here, [
    {
      publicKey,
      level: 'anonymous',
      administrative: true,
      enable: true,
      enableFrom: null,
      enableTo: null,
      scopesJson: null,
      originsJson: null,
      ratePerMinute: null,
    },
  ]);
  return app.nobody().with({ 'x-aether-api-key': publicKey, 'x-account-id': app.here.account });
}

test('the schema is shown to administrators and administrative keys alone, whoever asked before', async () => {
  const may = [app.administrator(), app.root(), await administrativeKey()];
  const mayNot = [app.guest(), app.staff(), await app.signedIn('trusted')];
  for (let turn = 0; turn < 3; turn += 1)
    for (const query of questions) {
      for (const caller of may) expect((await caller.graphql(query)).errors).toBeUndefined();
      for (const caller of mayNot) {
        const { code, data } = await caller.graphql(query);
        expect({ query, code, data: data ?? null }).toEqual({ query, code: 'FORBIDDEN', data: null });
      }
    }
  expect((await app.nobody().graphql(questions[0]!)).data).toBeUndefined();
  expect((await app.guest().graphql('{ __typename viewer { __typename } }')).errors).toBeUndefined();
  for (const query of questions) expect((await open.guest().graphql(query)).errors).toBeUndefined();
});

const mistakes: [string, Record<string, unknown>][] = [
  ['{ evnts { nodes { id } } }', {}],
  ['{ events { nodes { nmae } } }', {}],
  ['{ events(fist: 1) { nodes { id } } }', {}],
  ['{ events(enabled: ALLL) { nodes { id } } }', {}],
  ['{ events(filter: { nmae: { eq: "x" } }) { nodes { id } } }', {}],
  ['query ($f: EventFiltr) { events(filter: $f) { nodes { id } } }', {}],
  ['query ($f: EventFilter) { events(filter: $f) { nodes { id } } }', { f: { nmae: { eq: 'x' } } }],
  ['query ($e: EnabledFilter) { events(enabled: $e) { nodes { id } } }', { e: 'ALLL' }],
];

test.each(mistakes)('%s: what was meant is told to administrators alone', async (query, variables) => {
  for (let turn = 0; turn < 7; turn += 1) {
    const told = async (caller: Caller) => {
      const { errors } = await caller.graphql(query, variables);
      return errors!.map(({ message }) => message).join('\n');
    };
    for (const caller of [app.guest(), app.staff()]) expect(await told(caller)).not.toMatch(/did you mean/i);
    expect(await told(app.administrator())).toMatch(/Did you mean/);
    expect(await told(open.guest())).toMatch(/Did you mean/);
  }
});

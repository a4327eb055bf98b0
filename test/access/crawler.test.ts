import { isInputObjectType, isObjectType, type GraphQLField } from 'graphql';
import { useApp } from '../support/app';
import { callersOf, strangersAt, type Callers } from './callers';
import { Crawl } from './crawl';
import { mayCreate, type Who } from './expectations';
import { Particular } from './particular';
import { Questions } from './questions';
import { Reads } from './reads';
import { Rest } from './rest';
import { typesOf, type TypeOf } from './types';
import { World } from './world';
import { Writes } from './writes';

/*
 * Everything that the graph and the routes offer, asked by everybody: those of another account, guests, each level, and those who
 * should not be let in at all. Two accounts are filled with values that are known by sight, so that whatever an answer tells is
 * compared with what `expectations` say; nothing of it may be written; and each refusal has its form.
 */

const world = new World('c');
const app = useApp({
  // Addresses are made up: wrong tries are counted by them.
  env: { TRUST_PROXY: 'loopback' },
  fill: (services, tenant) => world.fill(services, tenant),
});
// Each test is thousands of calls.
jest.setTimeout(180_000);

const crawl = new Crawl(app, world);
let types: TypeOf[];
let callers: Callers;
let reads: Reads;
let particular: Particular;
let rest: Rest;

beforeAll(async () => {
  // Nobody looks where all the refusals were thrown, and to write it out takes most of the time.
  Error.stackTraceLimit = 0;
  await crawl.study();
  types = typesOf(crawl.schema);
  callers = await callersOf(app, world);
  reads = new Reads(crawl, types);
  particular = new Particular(crawl, types);
  rest = new Rest(crawl);
  for (const tenant of ['here', 'there'] as const) {
    await reads.readFeed(callers.super[tenant]);
    await world.change(app.as('super', app[tenant].account), tenant);
  }
  await reads.readPlaces(callers.manager);
});
afterAll(() => crawl.stop());

const everybody = (): Who[] => {
  const { levels, member, staff, office, holder, exhibitor, memberThere, managerThere, nowhere, bypass } =
    callers;
  return [...levels, member, staff, office, holder, exhibitor, memberThere, managerThere, nowhere, bypass];
};
const some = (): Who[] => [...callers.levels, callers.member, callers.managerThere];

/** Lets callers ask, one after the other, and expects that nothing was wrong, and nothing written. */
async function expectNoFaults(asking: readonly Who[], ask: (who: Who) => Promise<void>): Promise<void> {
  for (const who of asking) await crawl.writingNothing(who.name, () => ask(who));
  expect(crawl.found()).toEqual([]);
}

describe('in the graph', () => {
  test('lists, counts and fields tell each caller what is for them, and nothing else', () =>
    expectNoFaults(everybody(), (who) => reads.lists(who)));

  test('one object by its id, and many, are read by those whom they are for', () =>
    expectNoFaults(everybody(), (who) => reads.ones(who)));

  test('every relation leads to what the caller may see, and no further', () =>
    expectNoFaults(everybody(), (who) => reads.relations(who)));

  test('no filter, no filter on a relation, no search and no order tells what the caller may not read', () => {
    const questions = new Questions(crawl, types);
    return expectNoFaults(some(), (who) => questions.ask(who));
  });

  test('no cursor, offset or moment leads to more', () =>
    expectNoFaults(everybody(), (who) => reads.pages(who)));

  test('changes and deletions are told to those who could see the object', () =>
    expectNoFaults(everybody(), (who) => reads.changes(who)));

  test('nothing is made, changed, hidden or deleted by who may not, one by one and many at once', () => {
    const writes = new Writes(crawl, types);
    return expectNoFaults([...some(), callers.office, callers.exhibitor], (who) => writes.ask(who));
  });
});

test('sign-in, keys, files and everything else of its own is for those whom it is meant for', () =>
  expectNoFaults(everybody(), (who) => particular.ask(who)));

describe('in REST', () => {
  test('the routes of each type tell and do what they should', () =>
    expectNoFaults([...some(), callers.holder, callers.bypass], (who) => rest.flat(who)));

  test('an older route is no way round them', () =>
    expectNoFaults([callers.guest, callers.levels[3]!, callers.managerThere], (who) => rest.older(who)));

  test('the routes below a parent ask for the parent too', () =>
    expectNoFaults(some(), (who) => rest.nested(who)));
});

let strangers: Awaited<ReturnType<typeof strangersAt>>;

test('who comes with no key, a bad one, a bad token or that of another account is let in nowhere', async () => {
  strangers = await strangersAt(app, world);
  for (const { who, due } of strangers)
    await crawl.writingNothing(who.name, async () => {
      await reads.asStranger(who, due);
      await rest.asStranger(who, due);
    });
  expect(crawl.found()).toEqual([]);
});

describe('all of it was asked for:', () => {
  /** What was not asked for by each of these, by name. */
  const unasked = (names: readonly string[], by: (name: string) => readonly { name: string }[]): string[] =>
    names.flatMap((name) => {
      const asked = crawl.asked.get(name) ?? new Set();
      const missing = by(name).filter((who) => !asked.has(who.name));
      return missing.length > 0 ? [`${name} by ${missing.map((who) => who.name).join(', ')}`] : [];
    });
  const each = () => [...strangers.map(({ who }) => who), callers.guest, callers.managerThere];
  const fieldsOf = (type: unknown): GraphQLField<unknown, unknown>[] =>
    isObjectType(type) ? Object.values(type.getFields()) : [];
  const typeNamed = (name: string) => crawl.schema.getType(name);

  test('each operation, by each of them', () => {
    const { schema } = crawl;
    const operations = [
      schema.getQueryType(),
      schema.getMutationType(),
      schema.getSubscriptionType(),
    ].flatMap((type) => fieldsOf(type).map(({ name }) => `${type!.name}.${name}`));
    // What a caller may make is checked, or made and taken back: it would be done.
    const makers = new Map(types.map(({ name, table }) => [`Mutation.create${name}`, table]));
    const isOfType = new Set(
      types.flatMap(({ name, plural, single }) => {
        const many = plural.charAt(0).toUpperCase() + plural.slice(1);
        const verbs = ['create', 'update', 'remove'].flatMap((verb) => [`${verb}${name}`, `${verb}${many}`]);
        const mutations = [...verbs, `validate${name}`].map((verb) => `Mutation.${verb}`);
        return [`Query.${single}`, `Query.${plural}`, ...mutations];
      }),
    );
    const by = (operation: string): { name: string }[] => {
      const made = makers.get(operation);
      const isRefused = (who: Who) => made === undefined || !mayCreate(who, made);
      const levels = isOfType.has(operation) ? callers.levels : [callers.guest];
      return [...each().filter((who) => isRefused(who)), ...levels.filter(isRefused)];
    };
    expect(unasked(operations, by)).toEqual([]);
  });

  test('each route, by each of them', () => {
    const isMade = ({ rest: end, verb }: Rest['routes'][number]) => verb === 'POST' && end === '';
    const routes = rest.routes.map((route) => ({ ...route, name: `${route.verb} ${route.path}` }));
    const by = (name: string): { name: string }[] => {
      const route = routes.find((known) => known.name === name);
      if (name === 'GET /health') return [callers.guest];
      if (!route) return each();
      const isAsked = (who: Who) => !isMade(route) || !mayCreate(who, route.type);
      return [...each(), ...callers.levels].filter(
        (who) => isAsked(who) || (who === callers.managerThere && route.relation),
      );
    };
    expect(unasked([...routes.map(({ name }) => name), ...rest.others], by)).toEqual([]);
  });

  test('each field of each type, with each argument', () => {
    const asked = types.flatMap(({ name }) =>
      [name, `${name}Connection`, `${name}Edge`, `${name}BulkPayload`].flatMap((type) =>
        fieldsOf(typeNamed(type)).flatMap((field) => [
          `${type}.${field.name}`,
          // The place of a page is that of a list at the root: see there.
          ...field.args
            .filter((arg) => !['after', 'before', 'last'].includes(arg.name))
            .map((arg) => `${type}.${field.name}(${arg.name}:)`),
        ]),
      ),
    );
    const lists = types.flatMap(({ plural }) =>
      crawl.schema
        .getQueryType()!
        .getFields()
        [plural]!.args.map((arg) => `Query.${plural}(${arg.name}:)`),
    );
    expect(unasked([...asked, ...lists], () => [callers.guest, callers.managerThere])).toEqual([]);
  });

  test('each field of each filter and of each input, by somebody', () => {
    const inputs = types.flatMap(({ name }) =>
      ['Filter', 'ListFilter', 'Order'].map((kind) => `${name}${kind}`).concat(`Create${name}Input`),
    );
    const names = inputs.flatMap((name) => {
      const input = typeNamed(name);
      return isInputObjectType(input)
        ? Object.keys(input.getFields()).map((field) => `${name}.${field}`)
        : [];
    });
    expect(names.filter((name) => !crawl.asked.has(name))).toEqual([]);
  });
});

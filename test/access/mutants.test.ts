import type { GraphQLSchema } from 'graphql';
import type { Credentials } from '../../src/auth/viewer';
import { Context } from '../../src/kernel/context';
import type * as Permissions from '../../src/kernel/permissions';
import type * as Tenancy from '../../src/kernel/tenancy';
import { keyOf, useApp } from '../support/app';
import { callersOf, strangersAt, type Callers } from './callers';
import { Crawl } from './crawl';
import { Particular } from './particular';
import { Questions } from './questions';
import { Reads } from './reads';
import { Rest } from './rest';
import { typesOf, type TypeOf } from './types';
import { World } from './world';
import { Writes } from './writes';

/*
 * Does the crawler see it when a rule is taken away? Each is, one at a time: the crawler finds nothing before, and something without
 * the rule.
 */

// The rules, so that they can be replaced while the server runs.
jest.mock('../../src/kernel/tenancy', () => ({ ...jest.requireActual<object>('../../src/kernel/tenancy') }));
const tenancy = jest.requireMock<typeof Tenancy>('../../src/kernel/tenancy');
const real = jest.requireActual<typeof Tenancy>('../../src/kernel/tenancy');

// The door, so that it can be left open.
const mockDoor = { isOpen: false };
jest.mock('../../src/kernel/permissions', () => ({
  guard(schema: GraphQLSchema) {
    const fields = [schema.getQueryType()!, schema.getMutationType()!].flatMap((type) =>
      Object.values(type.getFields()),
    );
    const open = fields.map(({ resolve }) => resolve!);
    jest.requireActual<typeof Permissions>('../../src/kernel/permissions').guard(schema);
    for (const [index, field] of fields.entries()) {
      const guarded = field.resolve!;
      field.resolve = (...of) => (mockDoor.isOpen ? open[index]! : guarded)(...of);
    }
  },
}));

const world = new World('m');
const app = useApp({
  env: { TRUST_PROXY: 'loopback' },
  fill: (services, tenant) => world.fill(services, tenant),
});
const crawl = new Crawl(app, world);
let types: TypeOf[];
let callers: Callers;
let strangers: Awaited<ReturnType<typeof strangersAt>>;
let reads: Reads;
let questions: Questions;
let writes: Writes;
let particular: Particular;
let rest: Rest;

beforeAll(async () => {
  Error.stackTraceLimit = 0;
  await crawl.study();
  types = typesOf(crawl.schema);
  callers = await callersOf(app, world);
  reads = new Reads(crawl, types);
  questions = new Questions(crawl, types);
  writes = new Writes(crawl, types);
  particular = new Particular(crawl, types);
  rest = new Rest(crawl);
  strangers = await strangersAt(app, world);
  await reads.readFeed(callers.super.here);
  await world.change(app.as('super', app.here.account), 'here');
});
afterAll(() => crawl.stop());

/** To whom every object of the account is visible. */
const asSuper = (ctx: Context): Context => ctx.seenBy({ ...ctx.viewer, level: 'super' });

const typeNamed = (table: string): TypeOf[] => types.filter((type) => type.table === table);

/** Puts other functions in place of some, and answers what puts them back. */
function replace<T extends object>(of: T, others: Partial<T>): () => void {
  const before = Object.fromEntries(Object.keys(others).map((name) => [name, of[name as keyof T]]));
  Object.assign(of, others);
  return () => Object.assign(of, before);
}

const without = (others: Partial<typeof Tenancy>) => () => replace(tenancy, others);

/** Lets in by other means who would be refused. */
const letIn = (instead: (credentials: Credentials) => Credentials) => () => {
  const { viewers } = app.services;
  const { resolve } = viewers;
  return replace(viewers, {
    resolve: (credentials) => resolve(credentials).catch(() => resolve(instead(credentials))),
  });
};

const asStranger = async (name: string): Promise<void> => {
  const { who, due } = strangers.find((each) => each.who.name === name)!;
  await reads.asStranger(who, due);
};

interface Mutant {
  rule: string;
  /** Takes the rule away, and answers what puts it back. */
  remove: () => () => void;
  ask: () => Promise<unknown>;
  /** What is found of it. */
  tells: RegExp;
}

const mutants: Mutant[] = [
  {
    rule: 'lists, counts and what is related are of the account of the caller',
    remove: without({
      scope: (ctx, entity, t, values) =>
        // The key of the account is bound all the same.
        real.scope(ctx, entity, t, values).replace(/\w+\.(?:account_id|id) = \?/, '? IS NOT NULL'),
    }),
    ask: () => reads.lists(callers.member),
    tells: /^person 0 of authenticated here: .* tells .* there/,
  },
  {
    rule: 'a filter on a relation is a read of what it leads to',
    remove: without({
      scope: (ctx, entity, t, values) => (/^r\d/.test(t) ? 'TRUE' : real.scope(ctx, entity, t, values)),
    }),
    ask: () => questions.ask(callers.guest),
    tells: /^a key of anonymous here: \w+ by \w+: /,
  },
  {
    rule: 'one object by its id is of the account of the caller, and for them',
    remove: without({ owned: (_ctx, _entity, row) => row }),
    ask: () => reads.ones(callers.managerThere),
    tells: /^a key of manager there: .* tells .* here/,
  },
  {
    rule: 'a field is read from its level on',
    remove: without({ maySee: () => true }),
    ask: () => reads.lists(callers.guest),
    tells: /^a key of anonymous here: .* tells cfgJson secret of site \d here/,
  },
  {
    rule: 'a field is compared from its level on',
    remove: without({ maySee: () => true }),
    ask: () => questions.ask(callers.guest),
    tells: /^a key of anonymous here: sites by accessCodeKvJson/,
  },
  {
    rule: 'a type is read from its level on',
    remove: without({ mayRead: () => undefined, scope: (ctx, ...rest) => real.scope(asSuper(ctx), ...rest) }),
    ask: () => reads.relations(callers.guest),
    tells: /^a key of anonymous here: .* tells .* of person \d here/,
  },
  {
    rule: 'objects of other people, and hidden ones, are not seen',
    remove: without({
      scope: (ctx, entity, ...rest) => {
        real.mayRead(ctx, entity);
        return real.scope(asSuper(ctx), entity, ...rest);
      },
    }),
    ask: () => reads.lists(callers.member),
    tells: /^person 0 of authenticated here: .* tells content of journal_entry 1 here/,
  },
  {
    rule: 'the same of one by its id',
    remove: without({ ownershipColumns: (ctx, ...rest) => real.ownershipColumns(asSuper(ctx), ...rest) }),
    ask: () => reads.ones(callers.member),
    tells: /^person 0 of authenticated here: .* tells content of journal_entry 1 here/,
  },
  {
    rule: 'who may not list objects has them neither listed nor counted',
    remove: without({ mayList: real.mayRead, searchLimit: () => undefined }),
    ask: () => questions.ask(callers.guest),
    tells: /^a key of anonymous here: eventBadges by id/,
  },
  {
    rule: 'a deletion is told to who could see the object',
    remove: without({ couldSee: () => Promise.resolve(true) }),
    ask: () => reads.changes(callers.member),
    tells: /^person 0 of authenticated here: the changes tell of journal 4 here/,
  },
  {
    rule: 'a type is written from its level on',
    remove: without({ mayWrite: () => undefined }),
    ask: () => writes.ask(callers.levels[3]!, typeNamed('event_abstract')),
    tells: /^a key of trusted here: to delete event_abstract 0 here/,
  },
  {
    rule: 'what an object refers to is of its account',
    remove: without({ mayReferTo: () => undefined }),
    ask: () => writes.ask(callers.managerThere, typeNamed('sponsorship')),
    tells: /^a key of manager there: createSponsorships referring to another account/,
  },
  {
    rule: 'what is changed is of the account of the caller',
    remove: without({ owned: (_ctx, _entity, row) => row }),
    ask: () => writes.ask(callers.managerThere, typeNamed('address')),
    tells: /^a key of manager there: to update address 0 here/,
  },
  {
    rule: 'what a member makes is theirs',
    remove: without({
      ownerOfNew: () => Promise.resolve(undefined),
      ownershipColumns: (ctx, ...rest) => real.ownershipColumns(asSuper(ctx), ...rest),
    }),
    ask: () => writes.ask(callers.levels[1]!, typeNamed('post')),
    tells: /^a key of authenticated here: createPost /,
  },
  {
    rule: 'what is written is asked for once more, as it has become',
    remove: without({ hasRules: () => false, ownerOfNew: () => Promise.resolve(undefined) }),
    ask: () => writes.ask(callers.member, typeNamed('post')),
    tells: /^person 0 of authenticated here: createPost in the name of another/,
  },
  {
    rule: 'a file is for its account',
    remove: without({ owned: (_ctx, _entity, row) => row }),
    ask: () => particular.ask(callers.managerThere),
    tells: /GET \/v3\/action\/hosted_file\/\w+\/download tells bytes of hosted_file \d here/,
  },
  {
    rule: 'who comes from another account is a guest where a host name leads',
    remove: () =>
      replace(Context.prototype, {
        inAccount(this: Context, account) {
          return this.seenBy({ ...this.viewer, account });
        },
      }),
    ask: () => particular.ask(callers.managerThere),
    tells: /bootstrap.* tells accessCodeKvJson of site 0 here/,
  },
  {
    rule: 'an operation asks for its level',
    remove: () => replace(mockDoor, { isOpen: true }),
    ask: () => particular.ask(callers.guest),
    tells: /^a key of anonymous here: Query.explainAccess .* is to be FORBIDDEN/,
  },
  {
    rule: 'a refusal is told as one',
    remove: without({
      mayRead() {
        throw new Error('This is no refusal.');
      },
    }),
    ask: async () => {
      await rest.flat(callers.guest);
      app.logged.splice(0);
    },
    tells: /^a key of anonymous here: GET \/v3\/crud\/event\/\S* fails: /,
  },
  {
    rule: 'a key is needed',
    remove: letIn((credentials) => ({ ...credentials, key: keyOf('anonymous') })),
    ask: () => asStranger('no key'),
    tells: /^no key: POST \/graphql is to be refused as FORBIDDEN/,
  },
  {
    rule: 'an expired token opens nothing',
    remove: letIn((credentials) => ({ ...credentials, token: undefined })),
    ask: () => asStranger('an expired token'),
    tells: /^an expired token: POST \/graphql is to be refused as UNAUTHENTICATED/,
  },
  {
    rule: 'a token is good in its own account alone',
    remove: letIn((credentials) => ({ ...credentials, account: undefined })),
    ask: () => asStranger('a token of another account'),
    tells: /^a token of another account: POST \/graphql is to be refused as FORBIDDEN/,
  },
  // Last: it makes somebody mighty.
  {
    rule: 'a field is set from its level on',
    remove: without({ maySet: () => true }),
    ask: () => writes.ask(callers.levels[4]!, typeNamed('user')),
    tells: /^a key of administrator here: \{"super":true\} for user 0 here/,
  },
];

test.each(mutants)(
  'it is noticed when it is no longer so that $rule',
  async ({ rule, remove, ask, tells }) => {
    await ask();
    expect(crawl.found()).toEqual([]);
    crawl.round = `# ${rule}`;
    const putBack = remove();
    try {
      await ask();
    } finally {
      putBack();
      crawl.round = '';
    }
    const found = crawl.found();
    expect({ rule, found: found.filter((fault) => tells.test(fault)).slice(0, 1) }).toEqual({
      rule,
      found: [expect.any(String)],
    });
  },
);

import { demo, seedDemo } from '../../seeders/demo';
import { snakeCase } from '../../src/kernel/attributes';
import { useApp } from '../support/app';
import { Caller } from '../support/callers';
import { findPlaces, makeBadge, Rest, screens, takeLead, writeTexts } from './screens';

/*
 * The screens of the programs that were written for the older service: each as those programs read it, call by call in their own
 * spelling, and as one query of the graph that gives the same data. What each costs in SQL statements is printed, and may not grow.
 */

const app = useApp({ rows: 1 });
beforeAll(() => seedDemo(app.services));

/** A browser or a launcher with the key and the account that every call of it carries. */
const caller = () => new Caller(app, { 'x-aether-api-key': demo.trustedKey, 'x-account-id': demo.account });

beforeAll(() => findPlaces(new Rest(caller())));

/** What the graph answers, in the spelling of REST, and lists without their pages. */
function inColumns(value: any): any {
  if (Array.isArray(value)) return value.map(inColumns);
  if (value === null || typeof value !== 'object') return value;
  const { nodes } = value;
  if (nodes) return inColumns(nodes);
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      snakeCase(name).replace('sha_256', 'sha256'),
      /Json$/.test(name) ? inner : inColumns(inner),
    ]),
  );
}

const printed: string[] = [];
afterAll(() => {
  process.stdout.write(
    `SQL statements of a screen, by REST in so many calls and by one query:\n${printed.join('\n')}\n`,
  );
});

test.each(screens)(
  '$name: one query gives what the calls give',
  async ({ name, rest, query, variables, statements }) => {
    const calls = new Rest(caller());
    let read: unknown;
    const byRest = await app.statementsOf(async () => {
      read = await rest(calls);
    });
    let asked: unknown;
    const byQuery = await app.statementsOf(async () => {
      asked = inColumns(await caller().ask(query, variables?.()));
    });
    printed.push(
      `  ${name}: ${String(byRest)} in ${String(calls.calls)} calls, ${String(byQuery)} in one query`,
    );
    expect(JSON.stringify(asked)).not.toMatch(/^\{"[a-z_]+":(?:\[\]|null|\{\})\}$/);
    expect(read).toMatchObject(asked as object);
    expect(byQuery).toBeLessThanOrEqual(statements);
  },
);

test('a badge is made with its person, by calls and by one mutation', async () => {
  const { person: made, badge, printed: printedOnce } = await makeBadge(new Rest(caller()));
  expect(badge).toMatchObject({
    event_id: demo.event,
    event_person_id: made.id,
    display_full_name: 'Katherine <b>Johnson</b>',
    data_json: { seat: 7 },
  });
  expect(badge.event_badge_template_id).toEqual(expect.any(String));
  expect(printedOnce).toMatchObject({ id: badge.id, print_count: 1, data_json: { seat: 7 } });
  const data = await caller().ask(
    `mutation ($person: CreateEventPersonInput!, $badge: CreateEventBadgeInput!) {
      createEventPerson(input: $person) { eventPerson { id givenName familyName fullName email } }
      createEventBadge(input: $badge) { eventBadge { displayFullName event { id } } } }`,
    {
      person: { eventId: demo.event, givenName: 'Mary', familyName: 'Jackson' },
      badge: { eventId: demo.event, fullName: 'Mary Jackson' },
    },
  );
  expect(data.createEventBadge.eventBadge).toEqual({
    displayFullName: 'Mary Jackson',
    event: { id: demo.event },
  });
});

test('a lead, a post with a comment, and an entry of a journal are written as older programs write them', async () => {
  const rest = new Rest(caller());
  const { exhibit, lead, again } = await takeLead(rest);
  expect(lead).toMatchObject({
    event_id: demo.event,
    event_exhibit_id: exhibit,
    responses_json: { interest: 'high' },
  });
  expect([again.status, again.meta.details.category, again.meta.details.code]).toEqual([
    400,
    'database_duplicate',
    1062,
  ]);
  const { post, comment, changed } = await writeTexts(rest);
  expect(comment.post_id).toBe(post.id);
  expect(changed).toMatchObject({ content_encrypted: 'U2FsdGVkX18=', alert: true });
});

import { demo } from '../../seeders/demo';
import type { Caller, RestAnswer } from '../support/callers';
import type { Values } from '../support/factory';

/*
 * The screens of the programs that were written for the older service, as those programs read and write them, call by call in their own
 * spelling; and the one query of the graph that gives the data of each.
 */

export type Record_ = Values & { id: string };

/** The calls that the older programs make. */
export class Rest {
  calls = 0;
  constructor(readonly by: Caller) {}

  private async data(method: string, path: string, body?: unknown): Promise<any> {
    this.calls += 1;
    return (await this.by.call(method, path, body)).data;
  }

  one = (type: string, id: string, query = ''): Promise<any> =>
    this.data('GET', `/v3/crud/${type}/${id}${query}`);

  /** Children are read flat. */
  below = (type: string, parent: string, id: string, query = ''): Promise<Record_[]> =>
    this.data('GET', `/v3/crud/${type}/?for_obj_type=${parent}&for_obj_id=${id}&limit=999999${query}`);

  list = (type: string, query = ''): Promise<Record_[]> => this.data('GET', `/v3/crud/${type}/${query}`);

  search = (type: string, body: unknown, query = ''): Promise<Record_[]> =>
    this.data('POST', `/v3/crud/${type}/search${query}`, body);

  post = (path: string, body: unknown): Promise<any> => this.data('POST', path, body);
  patch = (path: string, body: unknown): Promise<any> => this.data('PATCH', path, body);
}

export interface Screen {
  name: string;
  /** Reads the screen as older programs do, nested as the query nests it. */
  rest: (rest: Rest) => Promise<unknown>;
  query: string;
  variables?: () => Values;
  /** SQL statements at most; those of a first call, with nothing known yet. */
  statements: number;
}

const event = { event: demo.event };
let session = '';
let presenter = '';
let room = '';
let exhibit = '';
let template = '';

/** Looks for the objects of the demo that the screens are about: before anything else is done. */
export async function findPlaces(rest: Rest): Promise<void> {
  const files = await rest.below('event_file', 'event', demo.event);
  presenter = String(files.find(({ event_presenter_id }) => event_presenter_id)!.event_presenter_id);
  session = String((await rest.one('event_presenter', presenter)).event_session_id);
  room = String((await rest.one('event_session', session)).event_location_id);
  exhibit = (await rest.below('event_exhibit', 'event', demo.event))[0]!.id;
  template = (await rest.below('event_badge_template', 'event', demo.event))[0]!.id;
}

const page = 'first: 1000';
/** A page within a page: together they may be as many as both multiplied. */
const few = 'first: 50';
const hostedFile = 'id filename extension size contentType hashSha256';
const file = `id filename title filePurpose hostedFileId hostedFileHashSha256 hostedFileSize`;

export const screens: Screen[] = [
  {
    name: 'start of the app',
    async rest(rest) {
      const [domain] = await rest.search('site_domain', {
        and: [{ field: 'fqdn', op: 'eq', value: 'demo.localhost' }],
      });
      const site = await rest.one('site', String(domain!.site_id));
      const account = await rest.one('account', String(domain!.account_id));
      return { bootstrap: { domain, site, account } };
    },
    query: `{ bootstrap(fqdn: "demo.localhost") {
      domain { id fqdn siteId siteName siteCfgJson siteAccessKeySet }
      site { id name title cfgJson themeJson defaultTimezone }
      account { id name timezone } } }`,
    statements: 4,
  },
  {
    name: 'home of an event',
    async rest(rest) {
      const home = await rest.one('event', demo.event);
      const locations = await rest.below('event_location', 'event', demo.event);
      return { event: { ...home, locations } };
    },
    query: `query ($event: ID!) { event(id: $event) {
      id name startDatetime endDatetime timezone locationName modPresMgmtJson modBadgesJson modLauncherJson
      locations(${page}) { nodes { id name capacity } } } }`,
    variables: () => event,
    statements: 2,
  },
  {
    name: 'search of sessions',
    async rest(rest) {
      const sessions = await rest.search(
        'event_session',
        { q: 'care', and: [{ field: 'event_id', op: 'eq', value: demo.event }] },
        '?view=enriched&inc_file_count=true&order_by_li={"start_datetime":"ASC","name":"ASC"}&limit=50',
      );
      const locations = await rest.below('event_location', 'event', demo.event);
      return {
        event: {
          sessions: sessions.map((each) => ({
            ...each,
            location: locations.find(({ id }) => id === each.event_location_id),
          })),
        },
      };
    },
    query: `query ($event: ID!) { event(id: $event) {
      sessions(q: "care", first: 50, orderBy: [{ field: START_DATETIME }, { field: NAME }]) { nodes {
        id code name startDatetime endDatetime fileCount fileCountAll eventLocationName
        location: eventLocation { id name } } } } }`,
    variables: () => event,
    statements: 3,
  },
  {
    name: 'page of a session',
    async rest(rest) {
      const found = await rest.one('event_session', session, '?inc_file_count=true');
      const location = await rest.one('event_location', found.event_location_id);
      const files = await rest.below('event_file', 'event_session', session);
      const presentations = await rest.below('event_presentation', 'event_session', session);
      const nested = [];
      for (const presentation of presentations) {
        const presenters = await rest.below('event_presenter', 'event_presentation', presentation.id);
        const withFiles = [];
        for (const each of presenters)
          withFiles.push({ ...each, files: await rest.below('event_file', 'event_presenter', each.id) });
        nested.push({
          ...presentation,
          files: (await rest.below('event_file', 'event_presentation', presentation.id)).filter(
            ({ for_type }) => for_type === 'event_presentation',
          ),
          presenters: withFiles,
        });
      }
      return {
        event_session: {
          ...found,
          location,
          files: files.filter(({ for_type }) => for_type === 'event_session'),
          presentations: nested,
        },
      };
    },
    query: `query ($session: ID!) { eventSession(id: $session) {
      id name startDatetime endDatetime fileCount
      location: eventLocation { id name }
      files(${page}) { nodes { ${file} } }
      presentations(${few}) { nodes { id name startDatetime
        files(${few}) { nodes { ${file} } }
        presenters(${few}) { nodes { id givenName familyName fullName email
          files(${few}) { nodes { ${file} } } } } } } } }`,
    variables: () => ({ session }),
    statements: 7,
  },
  {
    name: 'page of a presenter',
    async rest(rest) {
      const found = await rest.one('event_presenter', presenter);
      const presentation = await rest.one('event_presentation', found.event_presentation_id);
      const of = await rest.one('event_session', presentation.event_session_id);
      const whole = await rest.one('event', of.event_id);
      const files = await rest.below('event_file', 'event_presenter', presenter, '&inc_hosted_file=true');
      return {
        event_presenter: {
          ...found,
          presentation: { ...presentation, session: { ...of, event: whole } },
          files,
        },
      };
    },
    query: `query ($presenter: ID!) { eventPresenter(id: $presenter) {
      id givenName familyName fullName email biography agree personId
      presentation: eventPresentation { id name session: eventSession { id name event { id name timezone } } }
      files(${page}) { nodes { ${file} hostedFile { ${hostedFile} } } } } }`,
    variables: () => ({ presenter }),
    statements: 6,
  },
  {
    name: 'room of a launcher',
    async rest(rest) {
      const [device] = await rest.below('event_device', 'event', demo.event);
      await rest.patch(`/v3/crud/event_device/${device!.id}`, {
        heartbeat: '2026-05-07T08:00:00Z',
        status: 'ok',
      });
      const location = await rest.one('event_location', room);
      const sessions = await rest.below('event_session', 'event_location', room);
      const nested = [];
      for (const each of sessions) {
        const presentations = await rest.below('event_presentation', 'event_session', each.id);
        const filed = [];
        for (const one of presentations)
          filed.push({
            ...one,
            files: (await rest.below('event_file', 'event_presentation', one.id)).filter(
              ({ for_type }) => for_type === 'event_presentation',
            ),
          });
        nested.push({
          ...each,
          files: (await rest.below('event_file', 'event_session', each.id)).filter(
            ({ for_type }) => for_type === 'event_session',
          ),
          presentations: filed,
        });
      }
      return { event_location: { ...location, sessions: nested } };
    },
    query: `query ($room: ID!) { eventLocation(id: $room) { id name
      sessions(${page}) { nodes { id name startDatetime
        files(${few}) { nodes { ${file} } }
        presentations(${few}) { nodes { id name startDatetime
          files(${few}) { nodes { ${file} } } } } } } } }`,
    variables: () => ({ room }),
    statements: 6,
  },
  {
    name: 'report of files',
    async rest(rest) {
      const files = await rest.below('event_file', 'event', demo.event);
      const sessions = await rest.below('event_session', 'event', demo.event);
      const presenters = await rest.below('event_presenter', 'event', demo.event);
      const find = (list: Record_[], id: unknown) => list.find((each) => each.id === id) ?? null;
      return {
        event: {
          files: files.map((each) => ({
            ...each,
            session: find(sessions, each.event_session_id),
            presenter: find(presenters, each.event_presenter_id),
          })),
        },
      };
    },
    query: `query ($event: ID!) { event(id: $event) { files(${page}) { nodes {
      ${file} hostedFileContentType eventLocationName
      session: eventSession { id name } presenter: eventPresenter { id givenName familyName } } } } }`,
    variables: () => event,
    statements: 5,
  },
  {
    name: 'badge desk',
    async rest(rest) {
      const home = await rest.one('event', demo.event);
      const badge_templates = await rest.below('event_badge_template', 'event', demo.event);
      const badges = await rest.search(
        'event_badge',
        { q: 'a', and: [{ field: 'event_id', op: 'eq', value: demo.event }] },
        '?limit=20&order_by_li={"family_name":"ASC","given_name":"ASC"}',
      );
      return { event: { ...home, badge_templates, badges } };
    },
    query: `query ($event: ID!) { event(id: $event) { id modBadgesJson
      badgeTemplates(${page}) { nodes { id name layout badgeTypeList } }
      badges(q: "a", first: 20, orderBy: [{ field: FAMILY_NAME }, { field: GIVEN_NAME }]) { nodes {
        id displayFullName displayAffiliations email badgeTypeCode printCount } } } }`,
    variables: () => event,
    statements: 3,
  },
  {
    name: 'leads of an exhibit',
    async rest(rest) {
      const found = await rest.one('event_exhibit', exhibit);
      const leads = await rest.list(
        `event_exhibit/${exhibit}/event_exhibit_tracking`,
        '?order_by_li={"created_on":"DESC"}',
      );
      const nested = [];
      for (const each of leads)
        nested.push({ ...each, badge: await rest.one('event_badge', String(each.event_badge_id)) });
      return { event_exhibit: { ...found, leads: nested } };
    },
    query: `query ($exhibit: ID!) { eventExhibit(id: $exhibit) { id name booth customQuestionsJson
      leads(orderBy: [{ field: CREATED_ON, direction: DESC }]) { nodes { id exhibitorNotes responsesJson eventBadgeFullName
        badge: eventBadge { id fullName email } } } } }`,
    variables: () => ({ exhibit }),
    statements: 3,
  },
  {
    name: 'journals',
    async rest(rest) {
      const journals = await rest.list('journal');
      const nested = [];
      for (const each of journals)
        nested.push({ ...each, entries: await rest.list(`journal/${each.id}/entry`, '?limit=20') });
      return { journals: nested };
    },
    query: `{ journals { nodes { id name typeCode personId
      entries(first: 20) { nodes { id name summary content entryDatetime } } } } }`,
    statements: 3,
  },
  {
    name: 'bulletin board',
    async rest(rest) {
      const posts = await rest.list('post', '?inc_comment_count=true');
      const nested = [];
      for (const each of posts)
        nested.push({ ...each, comments: await rest.list(`post/${each.id}/comment`) });
      return { posts: nested };
    },
    query: `{ posts { nodes { id title content fullName commentCount
      comments { nodes { id content fullName } } } } }`,
    statements: 2,
  },
  {
    name: 'archives of the members',
    async rest(rest) {
      const archives = await rest.list('archive');
      const nested = [];
      for (const each of archives)
        nested.push({
          ...each,
          contents: await rest.list(`archive/${each.id}/archive_content`, '?inc_hosted_file=true'),
        });
      return { archives: nested };
    },
    query: `{ archives { nodes { id name topicName originalDatetime
      contents { nodes { id name mediaUrl hostedFile { ${hostedFile} } } } } } }`,
    statements: 3,
  },
  {
    name: 'meetings',
    rest: async (rest) => ({
      events: await rest.search(
        'event',
        { and: [{ field: 'type_code', op: 'eq', value: 'meeting' }] },
        '?order_by_li={"weekday_tuesday":"DESC","name":"ASC"}',
      ),
    }),
    query: `{ events(filter: { typeCode: { eq: "meeting" } }, orderBy: [{ field: WEEKDAY_TUESDAY, direction: DESC }, { field: NAME }]) {
      nodes { id name topicName recurringPattern weekdayTuesday recurringStartTime attendUrl attendJson contactLiJson externalPersonId } } }`,
    statements: 1,
  },
];

/** A badge and its person, printed once. */
export async function makeBadge(rest: Rest): Promise<Record<'person' | 'badge' | 'printed', any>> {
  const made = await rest.post(`/v3/crud/event/${demo.event}/event_person/`, {
    given_name: 'Katherine',
    family_name: 'Johnson',
    email: 'kj@example.org',
  });
  const badge = await rest.post(`/v3/crud/event/${demo.event}/event_badge/`, {
    event_person_id_random: made.id,
    event_badge_template_id_random: template,
    given_name: 'Katherine',
    full_name: 'Katherine <b>Johnson</b><script>x</script>',
    data_json: '{"seat":7}',
    tmp_sort_1: 'k',
  });
  const printed = await rest.patch(`/v3/crud/event/${demo.event}/event_badge/${badge.id}`, {
    ...badge,
    data_json: JSON.stringify(badge.data_json),
    print_count: 1,
  });
  return { person: made, badge, printed };
}

/** A lead, which cannot be there twice. */
export async function takeLead(rest: Rest): Promise<{ exhibit: string; lead: any; again: RestAnswer }> {
  const [badge] = await rest.below('event_badge', 'event', demo.event, '&order_by_li={"id":"DESC"}');
  const path = `/v3/crud/event_exhibit/${exhibit}/event_exhibit_tracking/`;
  const lead = await rest.post(path, {
    event_badge_id: badge!.id,
    exhibitor_notes: 'Wants a call',
    responses_json: '{"interest":"high"}',
  });
  const again = await rest.by.rest('POST', path, { event_badge_id: badge!.id });
  return { exhibit, lead, again };
}

/** A post with a comment, and an entry of a journal that is changed afterwards. */
export async function writeTexts(rest: Rest): Promise<Record<'post' | 'comment' | 'changed', any>> {
  const post = await rest.post('/v3/crud/post/', { title: 'A question', content: 'Who brings coffee?' });
  const comment = await rest.post(`/v3/crud/post/${post.id}/comment`, { content: 'I do.' });
  const [journal] = await rest.list('journal');
  const entry = await rest.post(`/v3/crud/journal/${journal!.id}/entry/`, {
    name: 'Afterwards',
    content_encrypted: 'U2FsdGVkX18=',
  });
  const changed = await rest.patch(`/v3/crud/journal/${journal!.id}/entry/${entry.id}`, {
    ...entry,
    alert: true,
  });
  return { post, comment, changed };
}

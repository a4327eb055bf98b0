import 'reflect-metadata';
import { isInputObjectType, isInterfaceType, isObjectType, printSchema } from 'graphql';
import type { GraphQLObjectType, GraphQLSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import { withoutSecrets } from '../../src/accounts/secrets';
import { inlineHtml } from '../../src/events/inline-html';
import type { Attribute } from '../../src/kernel/attributes';
import { relationResolvers } from '../../src/kernel/crud-resolver';
import { allEntities, entityOf } from '../../src/kernel/entity';
import { checkRegistry, tablesOf, toManys } from '../../src/kernel/registry';
import { resolvers } from '../../src/resolvers';

const base = 'id_random created_on updated_on';
const common = `${base} account_id code name description enable hide priority sort group notes cfg_json data_json
  linked_li_json external_id archive_on default_qry_str`;

/** The columns of each type beyond those that nearly every table has, derived ones last. */
const expected: Record<string, string> = {
  account: `${common.replace('account_id ', '')} short_name timezone plan_code`,
  site: `${common} title access_key access_code_kv_json theme_json logo_path default_timezone`,
  site_domain: `${common} site_id fqdn access_key
    site_access_key_set site_domain_access_key_set site_name site_cfg_json access_code_kv_json`,
  user: `${common} person_id username email password_hash auth_key_hash auth_key_expires_on allow_auth_key valid_email
    enable_from enable_to super manager administrator trusted last_sign_in_on token_version`,
  api_key: `${common} public_key secret_key level scopes_json origins_json enable_from enable_to last_used_on
    rate_per_minute administrative`,
  person: `${common} given_name middle_name family_name full_name prefix suffix pronouns professional_title affiliations
    email phone biography user_id contact_id organization_id external_person_id timezone agree agree_on`,
  contact: `${common} for_type for_id person_id address_id email phone_mobile phone_office website_url social_json`,
  address: `${common} for_type for_id line_1 line_2 line_3 city country_subdivision_code state_province postal_code
    country_code latitude longitude timezone`,
  organization: `${common} legal_name type_code contact_id address_id website_url logo_hosted_file_id`,
  page: `${common} site_id slug title content content_html status published_on`,
  activity_log: `${common} person_id user_id api_key_id action object_type object_id ip_address user_agent detail_json`,
  data_store: `${common} for_type for_id type text html json`,
  order: `${common} person_id event_id status currency total paid_on stripe_id`,
  order_line: `${common} order_id product_code quantity unit_price`,
  sponsorship_cfg: `${common} event_id levels_json start_on end_on`,
  sponsorship: `${common} sponsorship_cfg_id organization_id person_id level_code status questions_json
    logo_hosted_file_id amount`,
  event: `${common} type_code start_datetime end_datetime timezone status location_name location_address_json attend_json
    attend_url contact_li_json contact_li_json_ext external_person_id topic_name physical virtual recurring
    recurring_pattern weekday_sunday weekday_monday weekday_tuesday weekday_wednesday weekday_thursday weekday_friday
    weekday_saturday recurring_start_time recurring_end_time mod_pres_mgmt_json mod_badges_json mod_exhibits_json
    mod_launcher_json`,
  event_location: `${common} event_id capacity building floor alert alert_msg`,
  event_track: `${common} event_id color`,
  event_session: `${common} event_id event_location_id event_track_id type_code start_datetime end_datetime timezone message
    alert alert_msg poc_person_id poc_event_person_id poc_agree agree_on passcode record_status hide_event_launcher
    event_location_name event_track_name event_presentation_li_qry_str event_presenter_li_qry_str file_count
    file_count_all presentation_count`,
  event_presentation: `${common} event_session_id event_id event_abstract_id type_code start_datetime end_datetime
    abstract_code hide_event_launcher file_count event_session_name`,
  event_presenter: `${common} event_presentation_id event_session_id event_id event_person_id person_id given_name
    family_name full_name professional_title affiliations email biography agree agree_on comments passcode
    file_count event_presentation_name event_session_name`,
  event_person: `${common} event_id person_id given_name family_name full_name email role_code status`,
  event_person_profile: `${common} event_person_id professional_title affiliations biography picture_hosted_file_id
    social_json`,
  event_registration: `${common} event_id event_person_id person_id status registered_on type_code order_id`,
  event_abstract: `${common} event_id title abstract authors_json status type_code`,
  event_device: `${common} event_id event_location_id type_code app_mode host_name ip_address mac_address
    local_file_cache_path host_file_temp_path hash_prefix_length heartbeat status status_msg record_status telemetry_json
    passcode`,
  event_file: `${common} event_id for_type for_id event_session_id event_presentation_id event_presenter_id
    event_location_id hosted_file_id filename extension title file_purpose open_in_os language_code internal_use
    hosted_file_hash_sha256 hosted_file_size hosted_file_content_type event_session_name event_presentation_name
    event_presenter_given_name event_presenter_family_name event_location_name`,
  event_badge_template: `${common} event_id logo_path logo_filename header_path secondary_header_path footer_path
    header_row_1 header_row_2 footer_title footer_left footer_right layout duplex style_href badge_type_list show_qr`,
  event_badge: `${common} event_id event_person_id person_id event_badge_template_id external_registration_id given_name family_name
    full_name pronouns professional_title affiliations location email phone badge_type badge_type_code registration_type
    registration_type_code full_name_override pronouns_override professional_title_override affiliations_override
    location_override email_override phone_override badge_type_override badge_type_code_override
    registration_type_override registration_type_code_override allow_tracking agree_to_tc person_passcode print_count
    print_first_datetime print_last_datetime other_1_code other_2_code other_3_code other_4_code other_5_code
    other_6_code other_7_code other_8_code ticket_1_code ticket_2_code ticket_3_code ticket_4_code ticket_5_code
    ticket_6_code ticket_7_code ticket_8_code hashed_email
    display_full_name display_pronouns display_professional_title display_affiliations display_location display_email
    display_phone display_badge_type display_badge_type_code display_registration_type display_registration_type_code`,
  event_exhibit: `${common} event_id organization_id event_location_id booth leads_api_access license_max license_li_json
    staff_passcode custom_questions_json`,
  event_exhibit_tracking: `${common} event_exhibit_id event_badge_id event_id external_person_id exhibitor_notes
    responses_json event_badge_full_name`,
  hosted_file: `${common} hash_sha256 filename extension size content_type title subdirectory_path
    uploaded_by_person_id`,
  hosted_file_link: `${base} account_id hosted_file_id link_to_type link_to_id`,
  archive: `${common} topic_name original_datetime original_location content_type`,
  archive_content: `${common} archive_id hosted_file_id content content_html media_url duration_s`,
  journal: `${common} person_id type_code passcode_hash private`,
  journal_entry: `${common} journal_id summary content content_encrypted history history_encrypted private public personal
    professional alert alert_msg entry_datetime passcode_hash`,
  post: `${common} topic_name title content content_html external_person_id full_name email anonymous comment_count`,
  post_comment: `${common} post_id content external_person_id full_name email`,
  lu_country: `${common} for_type for_id alpha_2 alpha_3 numeric`,
  lu_country_subdivision: `${common} for_type for_id country_code type`,
  lu_time_zone: `${common} for_type for_id iana_name utc_offset`,
};

/** The connections of each type that has any. */
const connections: Record<string, string> = {
  account: `sites users persons contacts addresses organizations apiKeys activityLogs pages dataStores events hostedFiles
    archives journals posts orders sponsorshipCfgs`,
  site: 'domains pages',
  person: 'users contacts addresses orders eventRegistrations',
  organization: 'persons contacts addresses eventExhibits sponsorships',
  order: 'lines',
  sponsorship_cfg: 'sponsorships',
  event: `locations tracks devices sessions presentations presenters persons registrations abstracts files badgeTemplates
    badges exhibits leads orders sponsorshipCfgs`,
  event_location: 'sessions devices files',
  event_track: 'sessions',
  event_session: 'presentations presenters files',
  event_presentation: 'presenters files',
  event_presenter: 'files',
  event_person: 'profiles presenters badges registrations',
  event_abstract: 'presentations',
  event_badge: 'leads',
  event_exhibit: 'leads',
  hosted_file: 'links',
  archive: 'contents',
  journal: 'entries',
  post: 'comments',
};

/** What nobody may ever read. */
const secrets: Record<string, string[]> = {
  user: ['passwordHash', 'authKeyHash', 'tokenVersion'],
  api_key: ['secretKey'],
  journal: ['passcodeHash'],
  journal_entry: ['passcodeHash'],
};

const sorted = (names: Iterable<string>): string[] => [...names].sort();
const words = (text = ''): string[] => sorted(text.split(/\s+/).filter(Boolean));

const build = (): GraphQLSchema => {
  checkRegistry();
  return buildSchemaSync({ resolvers: [...resolvers, ...relationResolvers()], validate: false });
};

describe('the declarations', () => {
  let schema: GraphQLSchema;
  beforeAll(() => {
    schema = build();
  });

  test('there is a root field, a connection and three mutations for each type, but none that nobody may use', () => {
    const queries = schema.getQueryType()?.getFields() ?? {};
    const mutations = schema.getMutationType()?.getFields() ?? {};
    for (const { name, single, plural, access } of allEntities()) {
      expect(Object.keys(queries)).toEqual(expect.arrayContaining([single, plural]));
      const verbs = { create: access.create, update: access.update, remove: access.update };
      for (const [verb, level] of Object.entries(verbs))
        expect({ name, verb, there: `${verb}${name}` in mutations }).toEqual({
          name,
          verb,
          there: level !== 'never',
        });
    }
  });

  test('every type is expected here, and every expected type is declared', () => {
    expect(sorted(allEntities().map(({ table }) => table))).toEqual(sorted(Object.keys(expected)));
  });

  test.each(Object.keys(expected))('%s has the columns of the old database', (table) => {
    const columns = [...entityOf(table).attributes.values()].map(({ column }) => column);
    expect(sorted(columns)).toEqual(words(expected[table]));
  });

  test.each(Object.keys(expected))('the table of %s leaves out what is derived', (table) => {
    const entity = entityOf(table);
    const derived = [...entity.attributes.values()].filter(({ sql }) => sql).map(({ column }) => column);
    const [made] = tablesOf([entity]);
    expect(Object.keys(made!.columns).filter((column) => derived.includes(column))).toEqual([]);
    for (const { columns } of made!.indexes)
      for (const column of columns) expect(made!.columns).toHaveProperty([column]);
  });

  test.each(Object.keys(expected))('%s has its children under their short names', (table) => {
    const names = toManys(entityOf(table)).map(({ field }) => field);
    expect(sorted(names)).toEqual(words(connections[table]));
  });

  test('a name that the database does not know otherwise is the column in camel case', () => {
    const camel = (column: string): string =>
      column.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    const odd = allEntities().flatMap(({ table, attributes }) =>
      [...attributes.values()]
        .filter(({ name, column }) => name !== camel(column))
        .map(({ name }) => `${table}.${name}`),
    );
    expect(sorted(new Set(odd))).toEqual([
      ...sorted(
        Object.keys(expected)
          .map((table) => `${table}.id`)
          .concat('site_domain.siteAccessCodeKvJson'),
      ),
    ]);
  });

  test('the schema can be printed, and every type, field and argument in it is described', () => {
    expect(printSchema(schema)).toContain('type EventSession implements Node {');
    const roots = [schema.getQueryType(), schema.getMutationType()];
    const undescribed: string[] = [];
    const look = (name: string, { description }: { description?: string | null }): void => {
      if (!description?.trim()) undescribed.push(name);
    };
    for (const type of Object.values(schema.getTypeMap())) {
      if (type.name.startsWith('__')) continue;
      if (!roots.includes(type as GraphQLObjectType)) look(type.name, type);
      if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) continue;
      for (const field of Object.values(type.getFields())) {
        look(`${type.name}.${field.name}`, field);
        if ('args' in field)
          for (const argument of field.args) look(`${type.name}.${field.name}(${argument.name})`, argument);
      }
    }
    expect(undescribed).toEqual([]);
  });

  test('what is secret is in no answer, filter or order, and can be sorted by nobody', () => {
    const readers = allEntities().flatMap(({ table, attributes }) =>
      [...attributes.values()].filter(({ read }) => read === 'never').map(({ name }) => `${table}.${name}`),
    );
    expect(sorted(readers)).toEqual(
      sorted(Object.entries(secrets).flatMap(([table, names]) => names.map((name) => `${table}.${name}`))),
    );
    for (const [table, names] of Object.entries(secrets)) {
      const { name: type, attributes } = entityOf(table);
      const filter = schema.getType(`${type}Filter`);
      const order = schema.getType(`${type}OrderField`);
      if (!isInputObjectType(filter) || !order) throw new Error(`${type} has no filter or order`);
      for (const name of names) {
        const { column } = attributes.get(name) as Attribute;
        expect(Object.keys(filter.getFields())).not.toContain(name);
        expect(JSON.stringify(order)).not.toContain(column);
        expect(printSchema(schema)).not.toMatch(new RegExp(`^  ${column.toUpperCase()}$`, 'm'));
      }
    }
  });

  test('what the server keeps or derives is in no input', () => {
    for (const { name: type, attributes, access } of allEntities())
      for (const verb of ['Create', 'Update']) {
        const input = schema.getType(`${verb}${type}Input`);
        if (!input && access[verb === 'Create' ? 'create' : 'update'] === 'never') continue;
        if (!isInputObjectType(input)) throw new Error(`${verb}${type}Input is missing`);
        const closed = [...attributes.values()]
          .filter(({ write, sql, kind }) => write === 'server' || sql || kind === 'id')
          .map(({ name }) => name);
        expect(Object.keys(input.getFields()).filter((field) => closed.includes(field))).toEqual([]);
      }
  });

  test('every object type is a Node', () => {
    const node = schema.getType('Node');
    if (!isInterfaceType(node)) throw new Error('there is no Node');
    const types = schema.getPossibleTypes(node).map(({ name }) => name);
    expect(sorted(types)).toEqual(sorted(allEntities().map(({ name }) => name)));
    for (const { name } of allEntities()) expect(isObjectType(schema.getType(name))).toBe(true);
  });

  test.each([
    [
      'event_presenter',
      'fullName',
      { read: 'trusted' },
      'EventSession.eventPresenterLiQryStr: gathers fullName',
    ],
    ['event_badge', 'email', { search: true }, 'EventBadge.email: is searched by people'],
    ['event', 'contactLiJson', { read: 'trusted' }, 'Event.contactLiJsonExt: tells contactLiJson'],
    ['event_session', 'eventLocationName', { search: true }, 'EventSession.eventLocationName: is derived'],
  ])(
    'nobody may find %s by what they may not read, or by what is not kept: %s',
    (type, name, wrong, problem) => {
      const attribute = entityOf(type).attributes.get(name)!;
      const right = { ...attribute };
      Object.assign(attribute, wrong);
      try {
        expect(checkRegistry).toThrow(problem);
      } finally {
        Object.assign(attribute, { read: undefined, search: undefined }, right);
      }
      expect(checkRegistry).not.toThrow();
    },
  );

  test('a visitor without a name reads of an account its name and time zone, and its switches', () => {
    const open = [...entityOf('account').attributes.values()].filter(({ read }) => read === undefined);
    expect(sorted(open.map(({ column }) => column))).toEqual(
      words('id_random created_on updated_on name timezone enable hide priority sort'),
    );
  });
});

describe('masks', () => {
  const mask = (table: string, name: string) => {
    const { mask: hide } = entityOf(table).attributes.get(name) as Attribute;
    return hide as (value: unknown, ctx?: unknown) => unknown;
  };

  test('settings lose what their names call secret, at any depth, and are not changed themselves', () => {
    const settings = {
      novi_idaa_api_key: 'k',
      novi_api_root_url: 'https://example.org',
      smtp: { host: 'mail', Password: 'p', list: [{ accessToken: 't', name: 'n' }] },
      locations: [{ id: 1, staff_passcode: '1234' }],
      client_secrets: ['a'],
      empty: null,
    };
    const before = structuredClone(settings);
    expect(withoutSecrets(settings)).toEqual({
      novi_api_root_url: 'https://example.org',
      smtp: { host: 'mail', list: [{ name: 'n' }] },
      locations: [{ id: 1 }],
      empty: null,
    });
    expect(settings).toEqual(before);
  });

  test.each([
    ['grace@example.org', 'g***@example.org'],
    ['g@example.org', 'g***@example.org'],
    ['no address', 'n***'],
  ])('the e-mail address %s of a badge is seen as %s', (email, seen) => {
    expect(mask('event_badge', 'email')(email)).toBe(seen);
    expect(mask('event_badge', 'emailOverride')(email)).toBe(seen);
    expect(mask('event_badge', 'displayEmail')(email)).toBe(seen);
  });

  test('of a telephone number the last two digits are seen', () => {
    expect(mask('event_badge', 'phone')('+1 (555) 01-42')).toBe('***42');
    expect(mask('event_badge', 'displayPhone')('+1 555 0142 ')).toBe('***42');
  });

  test('passcodes of a site are answered to a browser only where the server is set so', () => {
    const codes = { trusted: '1234' };
    const hide = mask('site_domain', 'siteAccessCodeKvJson');
    expect(hide(codes, { services: { exposePasscodes: false } })).toBeNull();
    expect(hide(codes, { services: { exposePasscodes: true } })).toEqual(codes);
  });
});

describe('text with a few tags', () => {
  test.each([
    ['Grace <em>Hopper</em>', 'Grace <em>Hopper</em>'],
    ['CO<sub>2</sub> <b onclick="x()">now</b>', 'CO<sub>2</sub> <b>now</b>'],
    ['a<br>b', 'a<br />b'],
    ['<script>alert(1)</script>Ann', 'Ann'],
    ['<a href="javascript:x">Ann</a><img src=x onerror=y>', 'Ann'],
    ['Smith & Co', 'Smith & Co'],
    ['AT&T', 'AT&T'],
    ['&lt;b&gt;', '&lt;b&gt;'],
    ['&amp;lt;script&amp;gt;', '&lt;script&gt;'],
    ['R&eacute;al', 'Réal'],
  ])('%s becomes %s', (text, clean) => {
    expect(inlineHtml(text)).toBe(clean);
  });

  test('what is clean stays as it is', () => {
    const clean = inlineHtml('a < b & c > d "e" <i>f</i> &amp;amp; <br>');
    expect(inlineHtml(clean)).toBe(clean);
  });
});

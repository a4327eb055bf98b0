/* The records that the REST API answers, written out: SQL that gives them nearly as they are, and what is left to do. */

interface Row {
  [column: string]: any;
}

const words = (text: string): string[] => text.trim().split(/\s+/);

const eventPlain =
  words(`code name description sort group notes external_id default_qry_str type_code timezone status
  location_name attend_url contact_li_json_ext external_person_id topic_name recurring_pattern recurring_start_time
  recurring_end_time`);
const eventMoments = words('created_on updated_on archive_on start_datetime end_datetime');
const eventFlags =
  words(`physical virtual recurring weekday_sunday weekday_monday weekday_tuesday weekday_wednesday
  weekday_thursday weekday_friday weekday_saturday`);
const eventJson = words(
  'cfg_json data_json linked_li_json location_address_json attend_json contact_li_json',
);
const eventSettings = words('mod_pres_mgmt_json mod_badges_json mod_exhibits_json mod_launcher_json');

const sessionPlain =
  words(`code name description sort group notes external_id default_qry_str type_code timezone
  message alert_msg passcode record_status`);
const sessionMoments = words('created_on updated_on archive_on start_datetime end_datetime agree_on');
const sessionFlags = words('alert poc_agree hide_event_launcher');
const sessionJson = words('cfg_json data_json linked_li_json');

/** Flags that are never null. */
const commonFlags = ['enable', 'hide', 'priority'];

const columns = (...lists: string[][]): string =>
  lists
    .flat()
    .map((name) => `\`${name}\``)
    .join();

export const eventColumns = `id_random AS id, id_random AS event_id, id_random AS event_id_random,
  ${columns(eventPlain, eventMoments, eventFlags, eventJson, eventSettings, commonFlags)}`;

export function finishEvent(row: Row, account: string): Row {
  finish(row, account, eventMoments, eventFlags, eventJson);
  for (const name of eventSettings)
    row[name] = row[name] === null ? null : withoutSecrets(JSON.parse(row[name]));
  return row;
}

// Other tables by subqueries: with joins the rows, texts and all, would be sorted in a table on disk.
export const listSessions = `
  SELECT id_random AS id, id_random AS event_session_id, id_random AS event_session_id_random,
    (SELECT id_random FROM event WHERE id = s.event_id) AS event_id,
    (SELECT id_random FROM event_location WHERE id = s.event_location_id) AS event_location_id,
    (SELECT id_random FROM event_track WHERE id = s.event_track_id) AS event_track_id,
    (SELECT id_random FROM person WHERE id = s.poc_person_id) AS poc_person_id,
    (SELECT id_random FROM event_person WHERE id = s.poc_event_person_id) AS poc_event_person_id,
    ${columns(sessionPlain, sessionMoments, sessionFlags, sessionJson, commonFlags)},
    (SELECT name FROM event_location WHERE id = s.event_location_id) AS event_location_name,
    (SELECT name FROM event_track WHERE id = s.event_track_id) AS event_track_name,
    (SELECT GROUP_CONCAT(c.name) FROM event_presentation c
      WHERE c.account_id = s.account_id AND c.event_session_id = s.id) AS event_presentation_li_qry_str,
    (SELECT GROUP_CONCAT(COALESCE(c.full_name, c.name)) FROM event_presenter c
      WHERE c.account_id = s.account_id AND c.event_session_id = s.id) AS event_presenter_li_qry_str
  FROM event_session s WHERE account_id = ? AND enable = 1 AND COALESCE(hide, 0) = 0
  ORDER BY COALESCE(priority, 0) DESC, sort IS NULL, sort, name IS NULL, name, s.id LIMIT ?`;

export function finishSession(row: Row, account: string): Row {
  finish(row, account, sessionMoments, sessionFlags, sessionJson);
  row.event_id_random = row.event_id;
  row.event_location_id_random = row.event_location_id;
  row.event_track_id_random = row.event_track_id;
  row.poc_person_id_random = row.poc_person_id;
  row.poc_event_person_id_random = row.poc_event_person_id;
  return row;
}

function finish(row: Row, account: string, moments: string[], flags: string[], json: string[]): void {
  row.account_id = account;
  row.account_id_random = account;
  for (const name of moments) row[name] = iso(row[name]);
  for (const name of commonFlags) row[name] = row[name] === 1;
  for (const name of flags) row[name] = row[name] === null ? null : row[name] === 1;
  for (const name of json) row[name] = row[name] === null ? null : JSON.parse(row[name]);
}

/** `2026-01-31 09:00:00.000` -> `2026-01-31T09:00:00.000Z` */
export const iso = (text: string | null): string | null =>
  text === null ? null : `${text.slice(0, 10)}T${text.slice(11)}Z`;

const secret = /key|secret|password|token|passcode/i;

function withoutSecrets(value: any): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (value === null || typeof value !== 'object') return value;
  const kept: Row = {};
  for (const name of Object.keys(value)) if (!secret.test(name)) kept[name] = withoutSecrets(value[name]);
  return kept;
}

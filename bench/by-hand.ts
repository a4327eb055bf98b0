import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createPool } from 'mariadb';
import { queries } from './cases';
import { report } from './child';
import { eventColumns, finishEvent, finishSession, iso, listSessions } from './by-hand-records';

/*
 * The program that one would write by hand for just the requests of the bench: node:http, the connector's pool with prepared
 * statements, and JSON.stringify. It checks key and account, and its SQL never leaves the account; it does nothing else.
 */

const { DATABASE_URL = '', DATABASE_POOL_MAX = '10' } = process.env;
const { hostname, port, username, password, pathname } = new URL(DATABASE_URL);
const pool = createPool({
  ...{ host: hostname, port: Number(port || 3306), user: username, password: decodeURIComponent(password) },
  database: pathname.slice(1),
  connectionLimit: Number(DATABASE_POOL_MAX),
  ...{
    insertIdAsNumber: true,
    bigIntAsNumber: true,
    dateStrings: true,
    jsonStrings: true,
    autoJsonMap: false,
  },
});
let statements = 0;

export interface Row {
  [column: string]: any;
}

function select(sql: string, values: (string | number)[]): Promise<Row[]> {
  statements += 1;
  return pool.execute(sql, values);
}

interface Caller {
  pk: number;
  id: string;
}

const visible = 'account_id = ? AND enable = 1 AND COALESCE(hide, 0) = 0';
const usualOrder = 'COALESCE(priority, 0) DESC, sort IS NULL, sort, name IS NULL, name, t.id';

/* ---- GraphQL ---- */

async function event({ pk }: Caller, id: string): Promise<object | undefined> {
  const [row] = await select(
    `SELECT id_random AS id, name, start_datetime AS startDatetime, end_datetime AS endDatetime, timezone,
       location_name AS locationName FROM event WHERE id_random = ? AND account_id = ?`,
    [id, pk],
  );
  if (!row) return undefined;
  row.startDatetime = iso(row.startDatetime);
  row.endDatetime = iso(row.endDatetime);
  return { data: { event: row } };
}

const eventHead = 'SELECT id AS pk, id_random AS id, name FROM event WHERE id_random = ? AND account_id = ?';
const first20 = `FROM event_session t WHERE event_id = ? AND ${visible} ORDER BY ${usualOrder} LIMIT 20`;

async function eventWithSessions({ pk }: Caller, id: string): Promise<object | undefined> {
  const [found] = await select(eventHead, [id, pk]);
  if (!found) return undefined;
  const nodes = await select(`SELECT id_random AS id, name, start_datetime AS startDatetime ${first20}`, [
    found.pk,
    pk,
  ]);
  for (const node of nodes) node.startDatetime = iso(node.startDatetime);
  return { data: { event: { id: found.id, name: found.name, sessions: { nodes } } } };
}

async function programme({ pk }: Caller, id: string): Promise<object | undefined> {
  const [found] = await select(eventHead, [id, pk]);
  if (!found) return undefined;
  const values = [found.pk, pk];
  // All of the event at once: faster than first the sessions, then what lies below those that were found.
  const [sessions, presentations, presenters] = await Promise.all([
    select(`SELECT id AS pk, id_random AS id, name, start_datetime AS startDatetime ${first20}`, values),
    select(
      `SELECT id AS pk, id_random AS id, name, event_session_id AS parent FROM event_presentation t
       WHERE event_id = ? AND ${visible} ORDER BY ${usualOrder}`,
      values,
    ),
    select(
      `SELECT id_random AS id, full_name AS fullName, event_presentation_id AS parent FROM event_presenter t
       WHERE event_id = ? AND ${visible} ORDER BY ${usualOrder}`,
      values,
    ),
  ]);
  const speakers = byParent(presenters, (row) => ({ id: row.id, fullName: row.fullName }));
  const talks = byParent(presentations, (row) => ({
    ...{ id: row.id, name: row.name, presenters: { nodes: speakers.get(row.pk) ?? [] } },
  }));
  const nodes = sessions.map((row) => ({
    ...{ id: row.id, name: row.name, startDatetime: iso(row.startDatetime) },
    presentations: { nodes: talks.get(row.pk) ?? [] },
  }));
  return { data: { event: { id: found.id, name: found.name, sessions: { nodes } } } };
}

function byParent(rows: Row[], make: (row: Row) => object): Map<number, object[]> {
  const lists = new Map<number, object[]>();
  for (const row of rows) {
    const list = lists.get(row.parent);
    if (!list) lists.set(row.parent, [make(row)]);
    // The page of a child connection that was asked for without a size.
    else if (list.length < 100) list.push(make(row));
  }
  return lists;
}

const operations = new Map([
  [queries.event, event],
  [queries.sessions, eventWithSessions],
  [queries.programme, programme],
]);

/* ---- REST ---- */

const succeeded = {
  status_code: 200,
  status_name: 'OK',
  status_message: 'The call succeeded.',
  success: true,
  details: null,
};

async function restEvent({ pk, id: account }: Caller, id: string): Promise<object | undefined> {
  const [row] = await select(`SELECT ${eventColumns} FROM event WHERE id_random = ? AND account_id = ?`, [
    id,
    pk,
  ]);
  return row && { data: finishEvent(row, account), meta: succeeded };
}

async function restSessions({ pk, id: account }: Caller): Promise<object> {
  const limit = 100;
  const [data, [counted]] = await Promise.all([
    select(listSessions, [pk, limit]),
    select(`SELECT COUNT(*) AS n FROM event_session WHERE ${visible}`, [pk]),
  ]);
  for (const row of data) finishSession(row, account);
  return { data, meta: { ...succeeded, count: data.length, total: counted?.n, limit, offset: 0 } };
}

/* ---- HTTP ---- */

const keys = new Map<string, boolean>();
const accounts = new Map<string, Caller>();

/** Keys and accounts are remembered: reading them for each request would be a statement more than we need. */
async function callerOf({ headers }: IncomingMessage): Promise<Caller | undefined> {
  const key = String(headers['x-aether-api-key']);
  if (!keys.has(key)) {
    const [row] = await select(
      "SELECT enable FROM api_key WHERE public_key = ? AND level = 'trusted' AND account_id IS NULL",
      [key],
    );
    keys.set(key, row?.enable === 1);
  }
  const id = String(headers['x-account-id']);
  let account = accounts.get(id);
  if (!account) {
    const [row] = await select('SELECT id AS pk FROM account WHERE id_random = ?', [id]);
    if (row) accounts.set(id, (account = { pk: row.pk, id }));
  }
  return keys.get(key) ? account : undefined;
}

async function answer(request: IncomingMessage, body: string): Promise<[number, object]> {
  const caller = await callerOf(request);
  if (!caller) return [403, { error: 'not allowed' }];
  const { url = '' } = request;
  let result: object | undefined;
  if (url === '/graphql') {
    const { query, variables } = JSON.parse(body) as { query: string; variables: { id: string } };
    result = await operations.get(query)?.(caller, variables.id);
  } else if (url.startsWith('/v3/crud/event/')) result = await restEvent(caller, url.slice(15));
  else if (url === '/v3/crud/event_session/?limit=100') result = await restSessions(caller);
  return result ? [200, result] : [404, { error: 'not found' }];
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (text: string) => (body += text));
  request.on('end', () => {
    answer(request, body).then(
      ([status, result]) => send(response, status, result),
      (error: unknown) => send(response, 500, { error: String(error) }),
    );
  });
}

function send(response: ServerResponse, status: number, result: object): void {
  const body = Buffer.from(JSON.stringify(result));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}

const server = createServer(handle);
server.keepAliveTimeout = 65_000;
server.listen(0, '127.0.0.1', () => {
  report(
    server,
    () => statements,
    () => pool.end(),
  );
});

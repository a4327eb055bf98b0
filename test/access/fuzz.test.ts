import { Agent, request as open, type IncomingHttpHeaders } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { SMTPServer } from 'smtp-server';
import { levels } from '../../src/kernel/levels';
import { createMail } from '../../src/mail';
import { keyOf, useApp } from '../support/app';
import { target } from '../support/jest-target';
import { seed } from '../support/questions';
import { operations } from './fuzz/documents';
import { documented, type OpenApi, type Request } from './fuzz/rest';
import { bytes, forms, headers, paths, withHeaders } from './fuzz/strange';
import type { Ids } from './fuzz/values';

/**
 * So many requests, 100 000 on both databases together and the same ones in each run: TEST_REQUESTS sends another number, and TEST_SEED
 * others.
 */
const requests = Number(process.env.TEST_REQUESTS ?? { embedded: 60_000, mariadb: 40_000 }[target]);
/** So many of them at once. */
const atOnce = 50;
/** No answer may take longer, in milliseconds, while others are asked for at the same time. */
const patience = 5_000;
/** What all of it may leave behind in memory, in bytes: half of it are documents of the graph, which are kept until there are too many. */
const growth = 400 * 1024 ** 2;

const app = useApp({
  rows: 8,
  // Each comes from an address of its own: those that guess are locked, in Redis for all tests together.
  env: { TRUST_PROXY: 'loopback', BODY_MAX_BYTES: '262144', UPLOAD_MAX_BYTES: '4096' },
});
const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
const smtp = new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'] });

const { stackTraceLimit: traced } = Error;
beforeAll(async () => {
  // As outside of Jest, where it is ten times as long and takes a tenth of the time.
  Error.stackTraceLimit = 10;
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', () => resolve()));
  const url = `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`;
  app.services.mail = createMail({ url, from: 'Aether <no-reply@example.org>', log: app.services.log });
});
afterAll(() => {
  Error.stackTraceLimit = traced;
  agent.destroy();
  smtp.close();
});

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** How often each answer came, by door and status. */
const tally = new Map<string, number>();
const count = (what: string): unknown => tally.set(what, (tally.get(what) ?? 0) + 1);

let calls = 0;
/** Of people who have signed in. */
let tokens: string[] = [];

/** Somebody or other. What deletes for good works in the other account, which will soon be empty. */
function callerOf({ path, body, method }: Request, who: number): [string, string][] {
  const deletes = method !== 'GET' && /delete/i.test(`${path} ${String(body)}`);
  const level = levels[[0, 0, 1, 2, 3, 3, 3, 4, 4, 5, 5, 6][who % 12]!]!;
  const account = deletes ? app.there.account : app.here.account;
  calls += 1;
  const said: [string, string][] = [
    ['x-aether-api-key', keyOf(level)],
    ['x-account-id', account],
    ...(who % 8 === 7 && !deletes
      ? [['authorization', `Bearer ${tokens[who % tokens.length]!}`] as [string, string]]
      : []),
    ['x-forwarded-for', `198.18.${(calls >> 8) & 255}.${calls & 255}`],
  ];
  return said.filter((_, index) => who % 40 !== index);
}

/** Sends a request as it is; undefined when this client would not. */
function send(request: Request, who: number, more: [string, string][]): Promise<Answer | undefined> {
  const { method, path, body } = request;
  const given = [...callerOf(request, who), ...request.headers, ...more];
  const last = new Map(given.map(([name], index) => [name, index]));
  const sent = [
    ['host', 'fuzz.example.org'],
    ...(body === undefined ? [] : [['content-length', String(Buffer.byteLength(body))]]),
    // What a caller says of themselves they say once; everything else may be there twice.
    ...given.filter(([name], index) => !/^x-a|^content-type$/.test(name) || last.get(name) === index),
  ];
  return new Promise((resolve, reject) => {
    const { port } = new URL(app.url);
    try {
      const call = open(
        { agent, host: '127.0.0.1', port, method, path, headers: sent.flat() },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('error', reject);
          response.on('end', () => {
            const { statusCode: status = 0, headers: answered } = response;
            resolve({ status, headers: answered, text: Buffer.concat(parts).toString() });
          });
        },
      );
      call.setTimeout(2 * patience, () => call.destroy(new Error('There was no answer')));
      call.on('error', reject);
      call.end(body);
    } catch (error) {
      const { code = '' } = error as { code?: string };
      if (!/^ERR_(?:INVALID_CHAR|UNESCAPED|INVALID_HTTP_TOKEN)/.test(code)) throw error;
      count('not sent');
      resolve(undefined);
    }
  });
}

/** What is wrong with an answer; undefined when it is as it should be. */
function problemOf(
  { method, path }: Request,
  { status, headers: answered, text }: Answer,
): string | undefined {
  if (status >= 500 && status !== 501 && !(status === 503 && Number(answered['retry-after']) > 0))
    return 'is a failure of ours';
  const { 'x-request-id': id, 'content-type': type = '' } = answered;
  // What is no HTTP, or far too much of it, node:http refuses by itself.
  if (id === undefined) return (status === 400 || status === 431) && text === '' ? undefined : 'has no id';
  if (/SELECT |INSERT |SQLITE|conn:|node_modules|\.ts:\d/.test(text)) return 'tells of our code';
  if (method === 'HEAD' || status === 204 || status === 304) return text === '' ? undefined : 'has a body';
  const isGraphql = /^\/graphql\/?(?:\?|$)/.test(path) && method !== 'OPTIONS';
  const isCrud = /^\/v3\/crud(?:[/?]|$)/.test(path);
  if (status < 400 && ((!isGraphql && !isCrud) || type === 'text/html')) return undefined;
  if (!/^application\/(?:graphql-response\+)?json/.test(type)) return 'is no JSON';
  const body = JSON.parse(text) as Record<string, unknown>;
  if (isGraphql) return problemOfGraph(body);
  // Older routes answer in one form or the other.
  if (!isCrud && (typeof body.detail === 'string' || Array.isArray(body.detail))) return undefined;
  const { data, meta } = body as { data?: unknown; meta?: Record<string, unknown> };
  const isTold = meta?.status_code === status && meta.success === status < 400;
  return isTold && (status < 400 ? data !== undefined : data === false) ? undefined : 'is no envelope';
}

function problemOfGraph({ data, errors = [] }: { data?: unknown; errors?: unknown }): string | undefined {
  const codes = (errors as { extensions?: { code?: unknown } }[]).map(({ extensions }) => extensions?.code);
  if (codes.some((code) => typeof code !== 'string')) return 'has an error without a code';
  if (codes.some((code) => String(code).startsWith('INTERNAL'))) return 'is a failure of ours inside';
  return data === undefined && codes.length === 0 ? 'is no answer of a graph' : undefined;
}

/** @throws Error telling the request, when its answer is not as it should be. */
async function check(request: Request, who: number, more: [string, string][]): Promise<void> {
  const started = performance.now();
  const fail = (problem: string): never => {
    const body = request.body === undefined ? undefined : String(request.body).slice(0, 2000);
    throw new Error(`${problem}: ${JSON.stringify({ ...request, body, who, more })}`);
  };
  const answer = await send(request, who, more).catch((error: unknown) => fail(String(error)));
  if (!answer) return;
  const { status, text } = answer;
  const took = performance.now() - started;
  const [door = 'elsewhere'] = /^\/(?:graphql|v3\/crud|v3\/action)/.exec(request.path) ?? [];
  count(`${door} ${status}`);
  const problem = took > patience ? `took ${took.toFixed(0)} ms` : problemOf(request, answer);
  if (problem !== undefined) fail(`The answer ${problem}: ${status} ${text.slice(0, 1000)} to`);
}

/** Sends bytes as they are. Who promises more than they send are waited for: then it is they who leave. */
function spill(sent: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1', () => socket.end(sent));
    const leave = setTimeout(() => socket.destroy(), 300);
    let text = '';
    socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(leave);
      const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
      for (const status of statuses) count(`bytes ${status}`);
      if (statuses.some((status) => status >= 500 && status !== 501 && status !== 505))
        reject(new Error(`${text.slice(0, 500)} to ${JSON.stringify(sent.toString('latin1'))}`));
      else resolve();
    });
  });
}

/** Ids by type, more of this account than of the other. */
function idsOf(): Ids {
  const ids: Ids = { '': [] };
  for (const tenant of [app.here, app.here, app.here, app.there])
    for (const [type, made] of Object.entries(tenant.rows)) {
      const own = made.slice(0, 12).map(({ id }) => id);
      (ids[type] ??= []).push(...own);
      ids['']!.push(...own.slice(0, 2));
    }
  return ids;
}

/**
 * Ends this process when nothing goes on in it: what never ends holds up the server, this test and its time limit alike. Batches are
 * counted in what is returned.
 */
function watched(): { batches: Int32Array; stop: () => Promise<number> } {
  const batches = new Int32Array(new SharedArrayBuffer(4));
  const watch = `const { workerData } = require('node:worker_threads');
    let last = -1;
    setInterval(() => {
      if (workerData[0] === last) {
        require('node:fs').writeSync(2, 'The server hangs: TEST_SEED=${seed}, batch ' + last + '\\n');
        process.kill(process.pid, 'SIGKILL');
      }
      last = workerData[0];
    }, ${12 * patience});`;
  const worker = new Worker(watch, { eval: true, workerData: batches });
  return { batches, stop: () => worker.terminate() };
}

/** Bytes that are in use when all that is not has been collected. */
function memory(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

test(`${requests} requests of all kinds are answered, none with a failure, none late`, async () => {
  const { account } = app.here;
  const claims = [
    ...[0, 1, 2].map((index) => ({ person_id: app.here.rows.person![index]!.id, authenticated: true })),
    { person_id: app.here.rows.person![3]!.id, trusted: true },
    { manager: true },
  ];
  tokens = await Promise.all(
    claims.map((each) => app.services.tokens.sign({ account_id: account, ...each }, 3600)),
  );
  const document = (await (await app.nobody().fetch('/openapi.json')).json()) as OpenApi;
  const schema = buildClientSchema((await app.guest().ask(getIntrospectionQuery())) as IntrospectionQuery);
  const ids = idsOf();
  const request = fc.oneof(
    { weight: 40, arbitrary: documented(document, ids) },
    { weight: 18, arbitrary: operations(schema, ids) },
    { weight: 17, arbitrary: withHeaders(ids) },
    { weight: 20, arbitrary: paths },
    { weight: 1, arbitrary: forms(ids) },
    { weight: 4, arbitrary: bytes },
  );
  const none = fc.constant<[string, string][]>([]);
  const more = fc.oneof({ weight: 5, arbitrary: none }, { weight: 1, arbitrary: headers });
  const one = fc.tuple(request, fc.nat({ max: 479 }), more);
  // A batch that fails is told by the one request in it that did: there is nothing to shrink.
  const batches = fc.noShrink(fc.array(one, { minLength: atOnce, maxLength: atOnce }));
  const { batches: done, stop } = watched();
  const before = memory();
  const found = await fc.check(
    fc.asyncProperty(batches, async (batch) => {
      const answers = await Promise.allSettled(
        batch.map(([each, who, given]) => (Buffer.isBuffer(each) ? spill(each) : check(each, who, given))),
      );
      const failed = answers.find((answer) => answer.status === 'rejected');
      if (failed) throw failed.reason;
      done[0]! += 1;
    }),
    { seed, numRuns: requests / atOnce },
  );
  await stop();
  if (found.failed)
    throw new Error(`With TEST_SEED=${seed}, in batch ${found.numRuns}: ${String(found.errorInstance)}`);

  const health = await app.nobody().rest('GET', '/health');
  expect(health.body).toMatchObject({ status: 'ok' });
  expect((await app.staff().ask('{ events { totalCount } viewer { level } }')).viewer.level).toBe('trusted');
  expect((await app.staff().call('GET', '/v3/crud/event_session/?limit=1')).meta.success).toBe(true);
  expect(memory() - before).toBeLessThan(growth);
  // It was no wall that all of it ran against.
  for (const door of ['/graphql 200', '/v3/crud 200', '/v3/crud 400', '/v3/action 404', 'elsewhere 200'])
    expect({ door, often: (tally.get(door) ?? 0) > requests / 200 }).toEqual({ door, often: true });
}, 1_000_000);

import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import {
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  isInputObjectType,
  isListType,
  isNonNullType,
  parse,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type GraphQLInputType,
  type GraphQLSchema,
  type IntrospectionQuery,
} from 'graphql';
import { allEntities, findEntity } from '../../src/kernel/entity';
import type { TestApp } from '../support/app';
import type { Who } from './expectations';
import { nameOf, type World } from './world';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The parsed body; undefined where it is no JSON. */
  json: any;
}

export interface GraphAnswer extends Answer {
  data: any;
  errors: { message: string; path?: (string | number)[]; extensions: { code: string } }[];
}

/** A call, as it stands in a fault: who, and what. */
export interface Call {
  method: string;
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** How it is refused, where the path does not say so. */
  form?: 'crud' | 'action';
}

/** How a refusal is told, by its code: what the description of errors says. */
export const refusals = {
  VALIDATION: { status: 400, category: 'validation' },
  BAD_REQUEST: { status: 400, category: 'validation' },
  LIMIT_EXCEEDED: { status: 400, category: 'validation' },
  UNAUTHENTICATED: { status: 401, category: 'unauthenticated' },
  FORBIDDEN: { status: 403, category: 'forbidden' },
  NOT_FOUND: { status: 404, category: 'not_found' },
  GONE: { status: 410, category: 'not_found' },
  PRECONDITION_FAILED: { status: 412, category: 'validation' },
  UNPROCESSABLE: { status: 422, category: 'validation' },
  UNAVAILABLE: { status: 503, category: 'unavailable' },
} as const;
export type Refusal = keyof typeof refusals;

/** Codes that only a mistake of the crawler's own, or one of the server's, can bring about. */
const mistakes = new Set(['INTERNAL', 'GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED', 'BAD_USER_INPUT']);

/** Neither SQL nor a place in our code is for callers. */
const internals = /SELECT |INSERT |UPDATE |SQLITE|conn:|node_modules|\.[jt]s:\d|at Object/;

/** Calls the server as anybody, looks into every answer for what is not meant for them, and keeps what was wrong. */
export class Crawl {
  requests = 0;
  /** Fields, arguments and inputs of the graph, and routes, that were asked for, and the names of those who did. */
  readonly asked = new Map<string, Set<string>>();
  schema!: GraphQLSchema;
  openapi!: {
    paths: Record<string, Record<string, unknown>>;
    components: { parameters: Record<string, { schema: { properties?: object } } | undefined> };
  };
  /** Stands behind every document: what one was planned to read is not kept for the same one in another round. */
  round = '';
  private faults: string[] = [];
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 16 });
  private readonly coordinates = new Map<string, readonly string[]>();

  constructor(
    readonly app: TestApp,
    readonly world: World,
  ) {}

  /** Reads what there is to ask for. */
  async study(): Promise<void> {
    const { data } = await this.app.root().graphql(getIntrospectionQuery());
    this.schema = buildClientSchema(data as IntrospectionQuery);
    this.openapi = (await this.app.root().call('GET', '/openapi.json')).body;
  }

  stop(): void {
    this.agent.destroy();
  }

  /** Something is not as it should be. */
  fault(who: Pick<Who, 'name'>, what: string): void {
    this.faults.push(`${who.name}: ${what}`);
  }

  /** What was wrong since this was asked last. */
  found(): string[] {
    const { faults } = this;
    this.faults = [];
    return faults;
  }

  async send(who: Who, { method, path, body, headers }: Call, seenBy = who): Promise<Answer> {
    this.requests += 1;
    this.note(who, `${method} ${templateOf(path)}`);
    const sent = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const answer = await new Promise<Answer>((resolve, reject) => {
      const call = httpRequest(
        `${this.app.url}${path}`,
        {
          agent: this.agent,
          method,
          headers: {
            ...who.headers,
            ...(sent !== undefined && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(sent),
            }),
            ...headers,
          },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => (text += chunk));
          response.on('error', reject);
          response.on('end', () => {
            const isJson = /json/.test(response.headers['content-type'] ?? '');
            resolve({
              status: response.statusCode!,
              headers: response.headers,
              text,
              json: isJson && text !== '' ? JSON.parse(text) : undefined,
            });
          });
        },
      );
      call.on('error', reject);
      call.end(sent);
    });
    const what = `${method} ${path}${sent === undefined ? '' : ` ${String(sent).slice(0, 300)}`}`;
    this.look(seenBy, what, `${path} ${String(sent ?? '')}`, answer);
    return answer;
  }

  /** What holds of every answer to anybody. */
  private look(who: Who, what: string, said: string, { status, headers, text }: Answer): void {
    const told = `${text}\n${Object.values(headers).join('\n')}`;
    for (const leak of this.world.leaks(who, said, told)) this.fault(who, `${what} tells ${leak}`);
    if (!/^[\w.:-]{1,64}$/.test(String(headers['x-request-id'])))
      this.fault(who, `${what} has no request id`);
    if (headers['access-control-allow-origin'] !== '*') this.fault(who, `${what} has no CORS header`);
    if (status >= 400 && internals.test(text)) this.fault(who, `${what} tells how we work: ${text}`);
    if (status === 500) this.fault(who, `${what} fails: ${text}`);
  }

  /** An operation of the graph that is understood: what it refuses, it refuses with an error of its own at its place. */
  async graph(
    who: Who,
    query: string,
    variables: Record<string, unknown> = {},
    seenBy = who,
  ): Promise<GraphAnswer> {
    const answer = await this.send(
      who,
      { method: 'POST', path: '/graphql', body: { query: `${query}${this.round}`, variables } },
      seenBy,
    );
    const { data = null, errors = [] } = answer.json ?? {};
    const isAway = errors.length > 0 && errors[0].extensions?.code === 'UNAVAILABLE';
    if (answer.status !== (isAway ? 503 : 200)) this.fault(who, `${query} is answered with ${answer.status}`);
    for (const { message, extensions } of errors)
      if (typeof message !== 'string' || !extensions?.code || mistakes.has(extensions.code))
        this.fault(
          who,
          `${query} ${JSON.stringify(variables).slice(0, 300)} ends with ${JSON.stringify(extensions)}: ${message}`,
        );
    this.noteGraph(who, query, variables);
    return { ...answer, data, errors };
  }

  /**
   * Something that was asked for at a place of a document is answered, or refused with an error of its own, as it should be. True
   * when there is something to look at.
   */
  judge(
    who: Who,
    { errors }: GraphAnswer,
    path: (string | number)[],
    value: unknown,
    may: boolean,
    { code = 'FORBIDDEN', what = path.join('.') }: { code?: Refusal; what?: string } = {},
  ): boolean {
    const error = errors.find((each) => each.path?.join() === path.join());
    const isRefused = value == null && error?.extensions.code === code;
    const isGiven = value != null && !error;
    if (may ? isGiven : isRefused) return may;
    const due = may ? 'answered' : `refused as ${code}`;
    this.fault(
      who,
      `${what} is to be ${due} and is ${value == null ? String(error?.extensions.code) : 'answered'}`,
    );
    return false;
  }

  /** A list holds what it should, and is counted right; the log has lines that are nobody's doing here. */
  compare(
    who: Who,
    what: string,
    { nodes, totalCount = nodes.length }: { nodes: { id?: unknown }[]; totalCount?: number },
    expected: readonly string[],
  ): void {
    const named = (ids: readonly string[]) =>
      ids.map((id) => (this.world.placeOf(id) ? nameOf(this.world.placeOf(id)!) : id)).join(', ');
    const ids = nodes.map(({ id }) => String(id));
    const isLog = /activity_?log/i.test(what);
    const found = (isLog ? ids.filter((id) => this.world.placeOf(id)) : ids).sort();
    if (found.join() !== expected.join())
      this.fault(who, `${what} lists ${named(found)} instead of ${named(expected)}`);
    else if (!isLog && totalCount !== expected.length)
      this.fault(who, `${what} counts ${String(totalCount)} instead of ${String(expected.length)}`);
  }

  /** A refusal of REST in the form that is due: that of CRUD, or that of actions. */
  refused(who: Who, { method, path, form }: Call, { status, json, headers }: Answer, code: Refusal): void {
    const due = refusals[code];
    const { data, meta, detail, errors } = json ?? {};
    const isRight = path.startsWith('/graphql')
      ? data === undefined && errors?.length === 1 && errors[0].extensions.code === code
      : (form ?? (path.startsWith('/v3/crud') ? 'crud' : 'action')) === 'crud'
        ? data === false &&
          meta.success === false &&
          meta.status_code === status &&
          meta.details.category === due.category &&
          typeof meta.details.message === 'string'
        : status === 422
          ? detail?.length > 0 && detail[0].loc.length > 0 && typeof detail[0].msg === 'string'
          : typeof detail === 'string';
    if (status !== due.status || !isRight)
      this.fault(
        who,
        `${method} ${path} is to be refused as ${code} and is answered with ${status} ${JSON.stringify(json)?.slice(0, 300)}`,
      );
    if (due.status === 503 && headers['retry-after'] === undefined)
      this.fault(who, `${method} ${path} does not say when to try again`);
  }

  /* ---- what has been asked for ---- */

  note(who: Pick<Who, 'name'>, coordinate: string): void {
    let names = this.asked.get(coordinate);
    if (!names) this.asked.set(coordinate, (names = new Set()));
    names.add(who.name);
  }

  private noteGraph(who: Who, query: string, variables: Record<string, unknown>): void {
    let known = this.coordinates.get(query);
    if (!known) this.coordinates.set(query, (known = coordinatesOf(this.schema, query)));
    for (const coordinate of known) {
      const [kind, name, type] = coordinate.split(' ');
      if (kind !== '$') this.note(who, coordinate);
      else if (variables[name!] !== undefined)
        this.noteInput(who, this.schema.getType(type!) as GraphQLInputType, variables[name!]);
    }
  }

  private noteInput(who: Who, type: GraphQLInputType, value: unknown): void {
    if (isNonNullType(type)) this.noteInput(who, type.ofType, value);
    else if (Array.isArray(value))
      for (const each of value) this.noteInput(who, isListType(type) ? type.ofType : type, each);
    else if (isInputObjectType(type) && value !== null)
      for (const [name, inner] of Object.entries(value as object)) {
        this.note(who, `${type.name}.${name}`);
        const field = type.getFields()[name];
        if (field) this.noteInput(who, field.type, inner);
      }
  }

  /* ---- what is written ---- */

  /**
   * What the database and the store of files hold, by table; but for the log of what was refused, what keys are used for, and when
   * they last were.
   */
  async state(): Promise<Map<string, string>> {
    const { database, files } = this.app.services;
    const state = new Map<string, string>();
    for (const { table } of allEntities()) {
      if (table === 'activity_log') continue;
      const held = await database.select(`SELECT * FROM \`${table}\` ORDER BY id`);
      for (const { last_used_on: _, ...row } of held)
        state.set(`${table} ${String(row.id_random)}`, JSON.stringify(row));
    }
    for await (const hash of files.hashes()) state.set(`bytes ${hash}`, '');
    return state;
  }

  /** Does the work, and tells what it has written although nothing was to be. */
  async writingNothing(what: string, work: () => Promise<void>): Promise<void> {
    const before = await this.state();
    await work();
    const after = await this.state();
    for (const key of new Set([...before.keys(), ...after.keys()]))
      if (before.get(key) !== after.get(key))
        this.fault(
          { name: what },
          `wrote ${key}: ${before.get(key) ?? 'nothing'} became ${after.get(key) ?? 'nothing'}`,
        );
  }
}

/** The route that a path is on. */
function templateOf(path: string): string {
  const [place = ''] = path.split('?');
  const [, base, older = '', end = ''] =
    /^(\/v2\/crud|\/crud|\/api|)\/(\w+)(|\/list|\/zi[\w-]+iz)$/.exec(place) ?? [];
  if (base !== undefined && findEntity(older))
    return `${base}/{type}${end === '' || end === '/list' ? end : '/{id}'}`;
  const [, crud] = /^\/v3\/crud\/(.*)$/.exec(place) ?? [];
  if (crud === undefined)
    return place
      .replace(/\b[0-9a-f]{64}\b/, '{sha256}')
      .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/, '{uuid}')
      .replace(/\bzi[\w-]{7,}iz\b/, '{id}');
  const [type, id = '', child, ...rest] = crud.split('/');
  const named = (name: string) => (/^(?:|search|validate|schema)$/.test(name) ? name : '{id}');
  if (child === undefined) return `/v3/crud/${type ?? ''}/${named(id)}`;
  return `/v3/crud/${type ?? ''}/{parent_id}/${child}/${named(rest.join('/'))}`;
}

/** Every field and argument that a document names, and its variables by type. */
function coordinatesOf(schema: GraphQLSchema, query: string): string[] {
  const found = new Set<string>();
  const info = new TypeInfo(schema);
  visit(
    parse(query, { noLocation: true }),
    visitWithTypeInfo(info, {
      Field() {
        const [type, field] = [info.getParentType(), info.getFieldDef()];
        if (type && field) found.add(`${type.name}.${field.name}`);
      },
      Argument({ name }) {
        const [type, field] = [info.getParentType(), info.getFieldDef()];
        if (type && field) found.add(`${type.name}.${field.name}(${name.value}:)`);
      },
      ObjectField({ name }) {
        const type = info.getParentInputType();
        if (type) found.add(`${getNamedType(type).name}.${name.value}`);
      },
      VariableDefinition({ variable }) {
        const type = info.getInputType();
        if (type) found.add(`$ ${variable.name.value} ${getNamedType(type).name}`);
      },
    }),
  );
  return [...found];
}

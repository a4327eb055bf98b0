import SwaggerParser from '@apidevtools/swagger-parser';
import Ajv2020 from 'ajv/dist/2020';
import {
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { demo } from '../../seeders/demo';
import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { allToManys } from '../../src/kernel/registry';
import { legacyRoutes, nameOf } from '../../src/legacy/routes';
import { startFakeNovi } from '../../src/novi/fake-server';
import { actionRoutes } from '../../src/rest/actions';
import { useApp } from '../support/app';
import { unknownId, type Caller, type RestAnswer } from '../support/callers';
import { newChild } from '../support/children';
import { valuesFor, type Values } from '../support/factory';
import { nextNumber } from '../support/fixture';
import { bodyOf } from '../support/rest';

const app = useApp({ rows: 6 });
let document: any;
let graph: GraphQLSchema;
let ajv: Ajv2020;

beforeAll(async () => {
  document = (await app.nobody().rest('GET', '/openapi.json')).body;
  graph = buildClientSchema(await app.manager().ask(getIntrospectionQuery()));
  ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(document, 'openapi.json');
});

interface Operation {
  path: string;
  verb: string;
  operation: any;
}

const operations = (): Operation[] =>
  Object.entries<any>(document.paths).flatMap(([path, item]) =>
    Object.entries<any>(item)
      .filter(([verb]) => verb !== 'parameters')
      .map(([verb, operation]) => ({ path, verb: verb.toUpperCase(), operation })),
  );
const routes = (): string[] => operations().map(({ path, verb }) => `${verb} ${path}`);

/** The routes of a collection; fewer where no caller writes. */
const routesOf = ({ access }: Entity, base: string): string[] => [
  `GET ${base}/`,
  `POST ${base}/search`,
  `GET ${base}/schema`,
  `GET ${base}/{id}`,
  ...(access.create === 'never' ? [] : [`POST ${base}/`, `POST ${base}/validate`]),
  ...(access.update === 'never' ? [] : [`PATCH ${base}/{id}`, `DELETE ${base}/{id}`]),
];

/** What an answer has against what the document says of it; every status that an operation can have is told of. */
function mismatches({ path, verb }: { path: string; verb: string }, { status, body }: RestAnswer): unknown[] {
  const answers = document.paths[path][verb.toLowerCase()]?.responses ?? { default: others };
  if (!(status in answers) && status !== 405) return [`${String(status)} is not documented`];
  const [kind, name] = (answers[status] ?? answers.default).$ref.split('/').slice(2);
  if (!document.components[kind][name].content) return body === undefined ? [] : [`${name} has no body`];
  const check = ajv.getSchema(`openapi.json#/components/${kind}/${name}/content/application~1json/schema`)!;
  void check(body);
  return check.errors ?? [];
}
const others = { $ref: '#/components/responses/CrudFailure' };

describe('the document', () => {
  test('needs no key, and is asked for again each time', async () => {
    const { status, headers } = await app.nobody().rest('GET', '/openapi.json');
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-cache']);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('etag')).toMatch(/^"[\w-]{22}"$/);
  });

  test('is valid OpenAPI 3.1', async () => {
    expect(document.openapi).toBe('3.1.0');
    await SwaggerParser.validate(structuredClone(document));
  });

  test('holds schemas that are valid JSON Schema', () => {
    for (const name of Object.keys(document.components.schemas))
      expect(ajv.getSchema(`openapi.json#/components/schemas/${name}`)).toBeInstanceOf(Function);
  });

  test('has every route of every type, and of every type below its parents', () => {
    const own = allEntities().flatMap((entity) => routesOf(entity, `/v3/crud/${entity.table}`));
    const nested = allToManys().flatMap(({ parent, child }) =>
      routesOf(child, `/v3/crud/${parent.table}/{parent_id}/${child.table}`),
    );
    const crud = routes().filter((route) => route.includes(' /v3/crud/'));
    expect(crud.sort()).toEqual([...new Set([...own, ...nested])].sort());
  });

  test('has every action that there is', () => {
    const there = actionRoutes({
      schema: graph,
      executor: {} as never,
      uploadMaxBytes: 1,
      bodyLimits: { maxBytes: 1024 ** 2, maxMs: 30_000 },
    }).map(({ method, path }) => `${method} ${path}`);
    expect(
      routes()
        .filter((route) => route.includes(' /v3/action/'))
        .sort(),
    ).toEqual(there.sort());
  });

  test('has every old route, as deprecated, and what replaces it', () => {
    const old = operations().filter(({ operation }) => operation.deprecated);
    expect(old.map(({ path, verb }) => `${verb} ${path}`).sort()).toEqual(legacyRoutes.map(nameOf).sort());
    for (const { method, path, becomes, operation, gone, sunset } of legacyRoutes) {
      const documented = document.paths[path][method.toLowerCase()];
      expect(documented['x-sunset']).toBe(sunset.toISOString().slice(0, 10));
      expect(documented.responses).toHaveProperty('410');
      if (gone || path.includes('{type}')) continue;
      const [verb, place] = becomes.split(' ');
      const named = document.paths[place!][verb!.toLowerCase()]['x-graphql-operation'];
      expect({ path, operation }).toEqual({ path, operation: named });
    }
  });

  test('names each operation once, with the parameters of its path and a tag that is explained', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = new Set(document.tags.map(({ name }: { name: string }) => name));
    for (const { path, operation } of operations()) {
      const given = [...(document.paths[path].parameters ?? []), ...(operation.parameters ?? [])]
        .map((parameter: any) =>
          parameter.$ref ? document.components.parameters[parameter.$ref.split('/').at(-1)] : parameter,
        )
        .filter((parameter: any) => parameter.in === 'path')
        .map((parameter: any) => parameter.name);
      expect({ path, given: given.sort() }).toEqual({
        path,
        given: (path.match(/(?<=\{)\w+/g) ?? []).sort(),
      });
      expect(tags).toContain(operation.tags[0]);
    }
  });

  test('names operations of the graph that exist', () => {
    const writable = allEntities().filter(({ access }) => access.create !== 'never');
    const names = operations().flatMap(({ operation }) => {
      const name: string = operation['x-graphql-operation'] ?? '';
      if (!name.includes('{single}') && !name.includes('{plural}') && !name.includes('{Name}')) return [name];
      const types = name.startsWith('query') ? allEntities() : writable;
      return types.map(({ single, plural, name: type }) =>
        name.replace('{single}', single).replace('{plural}', plural).replace('{Name}', type),
      );
    });
    for (const named of new Set(names)) {
      if (named === '') continue;
      const [kind, field, inner] = /^(query|mutation) (\w+)(?: \{ (\w+) \})?$/.exec(named)!.slice(1);
      if (field === '__type') continue;
      const root = kind === 'query' ? graph.getQueryType() : graph.getMutationType();
      const found = root!.getFields()[field!];
      expect({ named, found: found !== undefined }).toEqual({ named, found: true });
      if (inner === undefined) continue;
      const type = getNamedType(found!.type) as GraphQLObjectType;
      expect({ named, inner: Object.keys(type.getFields()) }).toEqual({
        named,
        inner: expect.arrayContaining([inner]),
      });
    }
  });

  test('names the operators that a search takes', async () => {
    const body = { and: [{ field: 'name', op: 'nonsense', value: 'x' }] };
    const { meta } = await app.staff().rest('POST', '/v3/crud/event/search', body);
    const taken = /must be one of (.*)/.exec(meta.details.op)![1]!.split(', ');
    expect([...document.components.schemas.SearchFilter.properties.op.enum].sort()).toEqual(taken.sort());
  });
});

describe('what is documented', () => {
  const everyType = allEntities().map((entity) => [entity.table, entity] as const);

  test.each(everyType)('a list of %s, and one of it, are as the document says', async (table, entity) => {
    const list = { path: `/v3/crud/${table}/`, verb: 'GET' };
    const listed = await app.manager().rest('GET', `${list.path}?enabled=all&hidden=all`);
    expect(listed.status).toBe(200);
    expect(listed.data.length).toBeGreaterThan(0);
    expect(mismatches(list, listed)).toEqual([]);

    const one = { path: `/v3/crud/${table}/{id}`, verb: 'GET' };
    const { id } = app.here.rows[table]![0]!;
    const read = await app.manager().rest('GET', one.path.replace('{id}', id));
    expect(read.status).toBe(200);
    expect(mismatches(one, read)).toEqual([]);
    expect(Object.keys(read.data).sort()).toEqual(
      Object.keys(document.components.schemas[entity.name].properties).sort(),
    );
  });

  test('files go up and come down by id and by hash', async () => {
    const form = new FormData();
    form.append('for_type', 'event');
    form.append('for_id', app.here.rows.event![0]!.id);
    form.append('file', new Blob(['Some notes.'], { type: 'text/plain' }), 'notes.txt');
    const uploaded = await app.staff().fetch('/v3/action/event_file/upload', { method: 'POST', body: form });
    const { data } = (await uploaded.json()) as any;
    expect(uploaded.status).toBe(200);
    expect(Object.keys(document.components.schemas.HostedFile.properties).sort()).toEqual(
      Object.keys(data.hosted_file).sort(),
    );

    for (const path of [
      `/v3/action/event_file/${data.id}/download`,
      `/v3/action/hosted_file/${data.hosted_file_id}/download`,
      `/v3/action/hosted_file/hash/${data.hosted_file.hash_sha256}/download`,
    ]) {
      const whole = await app.staff().fetch(path);
      expect([path, whole.status, await whole.text()]).toEqual([path, 200, 'Some notes.']);
      const part = await app.staff().fetch(path, { headers: { range: 'bytes=5-' } });
      expect([part.status, await part.text()]).toEqual([206, 'notes.']);
      const none = await app.staff().fetch(path, { headers: { range: 'bytes=99-' } });
      expect(none.status).toBe(416);
    }
  });

  test('members are asked for, and health is told', async () => {
    const novi = await startFakeNovi({ apiKey: demo.noviKey });
    Object.assign(app.services.noviSettings, { rootUrl: novi.url, apiKey: demo.noviKey });
    const path = '/v3/action/idaa/novi_member/{uuid}';
    const member = await app.guest().rest('GET', path.replace('{uuid}', demo.noviMember));
    await novi.close();
    const answer = document.paths[path].get.responses[200].content['application/json'].schema.properties;
    expect(member.status).toBe(200);
    expect(Object.keys(member.body).sort()).toEqual(Object.keys(answer).sort());

    const { schema } = document.paths['/health'].get.responses[200].content['application/json'];
    const { status, body } = await app.nobody().rest('GET', '/health');
    expect(status).toBe(200);
    expect(Object.keys(body).sort()).toEqual(Object.keys(schema.properties).sort());
  });

  const session = '/v3/crud/event_session/{id}';
  const sessions = '/v3/crud/event_session/';
  const id = () => app.here.rows.event_session![0]!.id;
  test.each<[number, string, string, (caller: Caller) => Promise<RestAnswer>]>([
    [400, 'POST', sessions, () => app.staff().rest('POST', sessions, { colour: 'red' })],
    [
      401,
      'GET',
      sessions,
      () => app.staff().with({ authorization: 'Bearer nonsense' }).rest('GET', sessions),
    ],
    [403, 'GET', sessions, () => app.nobody().rest('GET', sessions)],
    [404, 'GET', session, () => app.staff().rest('GET', session.replace('{id}', 'AAAAAAAAAAA'))],
    [405, 'GET', sessions, () => app.staff().rest('PUT', sessions)],
    [
      413,
      'PATCH',
      session,
      () => app.staff().rest('PATCH', session.replace('{id}', id()), { name: 'x'.repeat(2 ** 20) }),
    ],
    [
      415,
      'PATCH',
      session,
      () => app.staff().rest('PATCH', session.replace('{id}', id()), 'a=b', { 'content-type': 'text/plain' }),
    ],
    [422, 'GET', session, () => app.staff().rest('GET', session.replace('{id}', 'short'))],
  ])('a call that fails with %i answers as the document says', async (status, verb, path, call) => {
    const answer = await call(app.staff());
    expect(answer.status).toBe(status);
    expect(mismatches({ path, verb }, answer)).toEqual([]);
  });

  test('the examples of failures are valid by their schemas', () => {
    for (const [name, { content }] of Object.entries<any>(document.components.responses)) {
      const { examples = {} } = content?.['application/json'] ?? {};
      if (!content) continue;
      const check = ajv.getSchema(
        `openapi.json#/components/responses/${name}/content/application~1json/schema`,
      )!;
      for (const { value } of Object.values<any>(examples))
        expect([name, check(value)]).toEqual([name, true]);
    }
  });

  test('the examples of bodies are valid by their schemas', () => {
    for (const { path, verb, operation } of operations()) {
      if (!operation.requestBody?.content['application/json']) continue;
      const { example } = operation.requestBody.content['application/json'];
      const place = [
        'paths',
        path,
        verb.toLowerCase(),
        'requestBody',
        'content',
        'application/json',
        'schema',
      ];
      const pointer = place.map((part) => encodeURIComponent(part.replaceAll('/', '~1'))).join('/');
      expect([path, verb, ajv.validate({ $ref: `openapi.json#/${pointer}` }, example)]).toEqual([
        path,
        verb,
        true,
      ]);
    }
  });

  test('a create that lacks what the document requires is refused, and one that has it is not', async () => {
    const { schema } = document.paths[sessions].post.requestBody.content['application/json'];
    const check = ajv.compile({ $defs: {}, allOf: schema.allOf.map((part: any) => absolute(part)) });
    const event = app.here.rows.event![0]!.id;
    for (const [body, status] of [
      [{ name: 'A' }, 400],
      [{ name: 'A', event_id: event }, 200],
      [{ name: 'A', event_id_random: event, cfg_json: '{"a":1}', data_json: { b: 2 } }, 200],
    ] as const) {
      expect([body, check(body)]).toEqual([body, status === 200]);
      expect((await app.staff().rest('POST', sessions, body)).status).toBe(status);
    }
  });

  const absolute = (part: any) => (part.$ref ? { $ref: `openapi.json${part.$ref}` } : part);
});

/** A call that the document describes: what it takes to make it. */
interface Documented extends Operation {
  parameters: any[];
  url: string;
  body?: Values;
}

const resolved = (parameter: any) =>
  parameter.$ref ? document.components.parameters[parameter.$ref.split('/').at(-1)] : parameter;

/** Every operation of a type, of its own and below each parent, with objects that are there and a body that is valid. */
async function callsOf(table: string): Promise<Documented[]> {
  const entity = entityOf(table);
  const ends = ['/', '/search', '/validate', '/schema', '/{id}'];
  const parametersOf = (path: string, operation: any) =>
    [...(document.paths[path].parameters ?? []), ...(operation.parameters ?? [])].map(resolved);
  const calls = new Map<string, Documented[]>();
  for (const relation of [undefined, ...allToManys().filter(({ child }) => child === entity)]) {
    const base = `/v3/crud/${relation ? `${relation.parent.table}/{parent_id}/` : ''}${table}`;
    if (calls.has(base)) continue;
    const bodyFor = () =>
      relation
        ? newChild(relation, app.here)
        : { body: bodyOf(entity, valuesFor(entity, app.here, nextNumber())), parentId: '' };
    const { body, parentId } = bodyFor();
    const made = bodyFor();
    const collection = (id: string) => base.replace('{parent_id}', id);
    const { data } = await app.root().call('POST', `${collection(made.parentId)}/`, made.body);
    const documented = operations().filter(({ path }) => ends.some((end) => path === base + end));
    calls.set(
      base,
      documented.map(({ path, verb, operation }) => ({
        path,
        verb,
        operation,
        parameters: parametersOf(path, operation),
        url: path.endsWith('{id}')
          ? `${collection(made.parentId)}/${data.id as string}`
          : path.replace(base, collection(parentId)),
        ...(operation.requestBody && {
          body: path.endsWith('/search') ? { and: [] } : verb === 'PATCH' ? {} : body,
        }),
      })),
    );
  }

  // The paths of older generations stand for any type: each type takes its turn at one of them.
  const bases = ['/v2/crud', '/crud', '', '/api'];
  const base = `${bases[allEntities().indexOf(entity) % bases.length]!}/{type}`;
  const bodyFor = () => bodyOf(entity, valuesFor(entity, app.here, nextNumber()));
  const { data } = await app.root().call('POST', `/v3/crud/${table}/`, bodyFor());
  const old = operations()
    .filter(({ path }) => [base, `${base}/list`, `${base}/{id}`].includes(path))
    .filter(({ path, operation }) => {
      const type = parametersOf(path, operation).find(({ name }) => name === 'type');
      return type.schema.enum.includes(table);
    })
    .map(({ path, verb, operation }) => ({
      path,
      verb,
      operation,
      parameters: parametersOf(path, operation).filter(
        ({ name }) => name !== 'q' || entity.attributes.has('defaultQryStr'),
      ),
      url: path.replace('{type}', table).replace('{id}', data.id),
      ...(operation.requestBody && { body: verb === 'PATCH' ? {} : bodyFor() }),
    }));
  return [...[...calls.values()].flat(), ...old];
}

/** A value that a parameter takes, and those that it does not. */
function valuesOf({ name, schema }: any): { good?: string; bad: string[] } {
  if (name === 'order_by_li')
    return { good: '{"updated_on":"DESC"}', bad: ['updated_on', '[]', '{"updated_on":"up"}'] };
  if (name === 'jp') return { good: '{"and":[]}', bad: ['updated_on', '[]', '{"nonsense":1}', '{"and":1}'] };
  if (name === 'for_obj_type' || name === 'explain') return { bad: [] };
  if (name === 'for_obj_id') return { bad: ['AAAAAAAAAAA', 'short'] };
  // A view that there is not is the default one, with a warning.
  if (name === 'view') return { good: 'detail', bad: [] };
  if (schema.enum) return { good: schema.enum.at(-1), bad: ['nonsense'] };
  if (schema.type === 'integer')
    return {
      good: String(schema.default),
      bad: name === 'delay_ms' ? [] : ['x', '-1', String(Number(schema.maximum) + 1)],
    };
  return { good: schema.type === 'boolean' ? 'true' : 'o', bad: [] };
}

describe.each(
  allEntities()
    .filter(({ access }) => access.create !== 'never')
    .map(({ table }) => table),
)('every operation of %s', (table) => {
  let calls: Documented[];
  beforeAll(async () => {
    calls = await callsOf(table);
    expect(calls.length).toBeGreaterThanOrEqual(8);
  });

  /** Sends a call, and holds its answer against the document. */
  async function send(
    call: Documented,
    status: number,
    {
      caller = app.root(),
      url = call.url,
      body = call.body,
      headers = {},
    }: {
      caller?: Caller;
      url?: string;
      body?: unknown;
      headers?: Record<string, string>;
    } = {},
  ): Promise<RestAnswer> {
    const answer = await caller.rest(call.verb, url, body, headers);
    const shown = { verb: call.verb, url, body };
    expect({ ...shown, status: answer.status, meta: answer.meta }).toMatchObject({ ...shown, status });
    expect({ ...shown, mismatches: mismatches(call, answer) }).toEqual({ ...shown, mismatches: [] });
    return answer;
  }

  /** Keys of a record that the document does not know. */
  const undocumented = (record: Values): string[] => {
    const { name } = entityOf(table);
    const known = {
      ...document.components.schemas[name].properties,
      ...document.components.schemas[`${name}View`].properties,
    };
    return Object.keys(record).filter((key) => !(key in known));
  };

  test('refuses callers who may not as the document says', async () => {
    for (const call of calls) {
      await send(call, 403, { caller: app.nobody() });
      await send(call, 401, { caller: app.root().with({ authorization: 'Bearer nonsense' }) });
      if (call.operation['x-graphql-operation'].startsWith('mutation'))
        await send(call, 403, {
          caller: app.guest(),
          url: call.verb === 'DELETE' ? `${call.url}?method=delete` : call.url,
        });
    }
  });

  test('refuses ids that are none, and finds nothing under those that nothing has', async () => {
    for (const call of calls)
      for (const id of call.url
        .split('/')
        .filter((_, n) => /^\{(?!type)/.test(call.path.split('/')[n] ?? ''))) {
        if (call.path.endsWith('/schema') && !call.path.includes('parent_id')) continue;
        await send(call, 422, { url: call.url.replace(id, 'short') });
        const isAccount = call.path.startsWith('/v3/crud/account/{parent_id}') && id === app.here.account;
        const makes = isAccount && call.verb === 'POST' && !call.path.endsWith('/search');
        await send(call, makes ? 403 : 404, { url: call.url.replace(id, unknownId()) });
      }
  });

  test('refuses parameters that it does not take', async () => {
    for (const call of calls)
      for (const parameter of call.parameters.filter((each) => each.in === 'query'))
        for (const bad of valuesOf(parameter).bad)
          await send(call, 400, { url: `${call.url}?${parameter.name}=${encodeURIComponent(bad)}` });
  });

  test('refuses bodies that it does not take', async () => {
    for (const call of calls.filter(({ body }) => body !== undefined)) {
      for (const body of ['{', '[]', '"text"', { nonsense: 1 }]) await send(call, 400, { body });
      await send(call, 415, {
        body: 'a=b',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
    }
    const [first] = calls.filter(({ body }) => body !== undefined);
    await send(first!, 413, { body: { name: 'x'.repeat(2 ** 20) } });
  });

  test('keeps versions, and answers a key once, as the document says', async () => {
    for (const call of calls) {
      const takes = (name: string) => call.parameters.some((parameter) => parameter.name === name);
      if (takes('If-Match')) await send(call, 412, { headers: { 'if-match': '"another"' } });
      if (takes('Idempotency-Key')) {
        const headers = { 'idempotency-key': unknownId() };
        await send(call, 400, { body: { nonsense: 1 }, headers });
        await send(call, 409, { headers });
      }
      if (!takes('If-None-Match')) continue;
      const { headers } = await app.root().rest(call.verb, call.url);
      if (headers.get('etag')) await send(call, 304, { headers: { 'if-none-match': headers.get('etag')! } });
    }
  });

  test('names the verbs that there are', async () => {
    for (const call of calls) {
      const answer = await app.root().rest('PUT', call.url, {});
      expect(answer.status).toBe(405);
      expect(mismatches({ path: call.path, verb: 'PUT' }, answer)).toEqual([]);
      expect(answer.headers.get('allow')!.split(', ')).toContain(call.verb);
    }
  });

  test('answers a valid request as the document says, with every parameter that it takes', async () => {
    // What is deleted is read, and what is made is found to be valid, before.
    const last = (call: Documented) => (call.verb === 'DELETE' || call.path.endsWith(`${table}/`) ? 1 : 0);
    for (const call of calls.toSorted((a, b) => last(a) - last(b))) {
      if (call.body) {
        const [verb, place] = [call.verb.toLowerCase(), encodeURIComponent(call.path.replaceAll('/', '~1'))];
        const check = {
          $ref: `openapi.json#/paths/${place}/${verb}/requestBody/content/application~1json/schema`,
        };
        expect([call.url, ajv.validate(check, call.body), ajv.errors]).toEqual([call.url, true, null]);
      }
      const given = call.parameters
        .filter(
          (parameter) =>
            parameter.in === 'query' && parameter.name !== 'parts' && parameter.name !== 'method',
        )
        .flatMap((parameter) => {
          const { good } = valuesOf(parameter);
          return good === undefined ? [] : [`${parameter.name}=${encodeURIComponent(good)}`];
        });
      const parts = call.parameters.find(({ name }) => name === 'parts');
      const all = Object.keys(parts?.schema.properties ?? {}).map((name) => `${name}=true`);
      const told = await send(call, 200, { url: `${call.url}?explain=graphql` });
      expect(told.data.operation).toEqual(expect.any(String));
      const method = call.verb === 'DELETE' ? ['method=delete'] : [];
      const { data, meta } = await send(call, 200, {
        url: `${call.url}?${[...given, ...all, ...method].join('&')}`,
      });
      expect(meta.warnings).toBeUndefined();
      const isRecord =
        /(?:\{id\}|\{type\}|\/search|\/list)$/.test(call.path) || call.path.endsWith(`${table}/`);
      if (isRecord) expect([data].flat().flatMap(undocumented)).toEqual([]);
    }
  });
});

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
import { allEntities, type Entity } from '../../src/kernel/entity';
import { allToManys, type ToMany } from '../../src/kernel/registry';
import { startFakeNovi } from '../../src/novi/fake-server';
import { actionRouter } from '../../src/rest/actions';
import { useApp } from '../support/app';
import type { Caller, RestAnswer } from '../support/callers';

const app = useApp({ rows: 2 });
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

/** The six routes of a collection, three where no caller writes. */
const routesOf = ({ access }: Entity, base: string): string[] => [
  `GET ${base}/`,
  `POST ${base}/search`,
  `GET ${base}/{id}`,
  ...(access.create === 'never' ? [] : [`POST ${base}/`, `PATCH ${base}/{id}`, `DELETE ${base}/{id}`]),
];

/** What an answer has against what the document says of it. */
function mismatches({ path, verb }: { path: string; verb: string }, { status, body }: RestAnswer): unknown[] {
  const answers = document.paths[path][verb.toLowerCase()].responses;
  const [kind, name] = (answers[status] ?? answers.default).$ref.split('/').slice(2);
  const place = `openapi.json#/components/${kind}/${name}/content/application~1json/schema`;
  const check = ajv.getSchema(place)!;
  void check(body);
  return check.errors ?? [];
}

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
    const router = actionRouter(graph, { executor: {} as never, uploadMaxBytes: 1 });
    const there = router.stack.flatMap(({ route }) =>
      [...new Set(route!.stack.map(({ method }) => method))]
        .filter((method) => method === 'get' || method === 'post')
        .map((method) => `${method.toUpperCase()} /v3/action${route!.path.replace(/:(\w+)/g, '{$1}')}`),
    );
    expect(
      routes()
        .filter((route) => route.includes(' /v3/action/'))
        .sort(),
    ).toEqual(there.sort());
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
    for (const { operation } of operations()) {
      const named: string | undefined = operation['x-graphql-operation'];
      if (named === undefined) continue;
      const [kind, field, inner] = /^(query|mutation) (\w+)(?: \{ (\w+) \})?$/.exec(named)!.slice(1);
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

  test('every CRUD route is there', async () => {
    const owned = new Map(allToManys().map((many) => [`${many.parent.table} ${many.child.table}`, many]));
    const missing: unknown[] = [];
    for (const { path, verb } of operations()) {
      const [, , root, ...rest] = path.split('/');
      if (root !== 'crud') continue;
      const many = rest[1] === '{parent_id}' ? owned.get(`${rest[0]!} ${rest[2]!}`) : undefined;
      const { parent, child } = many ? pairOf(many) : { parent: '', child: app.here.rows[rest[0]!]![0]!.id };
      if (child === undefined) continue;
      const url = path.replace('{parent_id}', parent).replace('{id}', child);
      const body = verb === 'POST' || verb === 'PATCH' ? {} : undefined;
      // Guests may look and search, and may write nothing.
      const caller = verb === 'GET' || path.endsWith('/search') ? app.manager() : app.guest();
      const { status, meta } = await caller.rest(verb, url, body);
      if (status === 404 || status === 405 || status >= 500)
        missing.push([verb, url, status, meta?.status_message]);
    }
    expect(missing).toEqual([]);
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
      const { examples = {} } = content['application/json'];
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

/** Ids of a parent and of a child of it; no child when there is none by chance. */
function pairOf({ parent, child, attribute }: ToMany): {
  parent: string;
  child?: string;
} {
  const type = attribute.any?.typeAttribute;
  const found = app.here.rows[child.table]!.find(
    ({ values }) =>
      attribute.name === 'accountId' || (values[attribute.name] && (!type || values[type] === parent.table)),
  );
  const id = attribute.name === 'accountId' ? app.here.account : found?.values[attribute.name];
  return { parent: String(id ?? ''), child: found?.id };
}

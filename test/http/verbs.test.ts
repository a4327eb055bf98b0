import { useApp } from '../support/app';
import { expectActionError, expectCrudError, expectHeaders } from '../support/envelopes';

const app = useApp({ rows: 2 });
const event = () => app.here.rows.event![0]!.id;
const session = () => app.here.rows.event_session![0]!.id;
const hash = 'a'.repeat(64);

/** Every path of the surface, with the verbs that it takes. */
const paths: [path: () => string, verbs: string[]][] = [
  [() => '/v3/crud/event', ['GET', 'POST']],
  [() => '/v3/crud/event/', ['GET', 'POST']],
  [() => `/v3/crud/event/${event()}`, ['GET', 'PATCH', 'DELETE']],
  [() => `/v3/crud/event/${event()}/session`, ['GET', 'POST']],
  [() => `/v3/crud/event/${event()}/session/${session()}`, ['GET', 'PATCH', 'DELETE']],
  [() => `/v3/crud/event/${event()}/session/search`, ['POST']],
  [() => '/v3/action/event_file/upload', ['POST']],
  [() => '/v3/action/idaa/novi_member/11111111-1111-4111-8111-111111111111', ['GET']],
  [() => `/v3/action/hosted_file/hash/${hash}/download`, ['GET']],
  [() => `/v3/action/hosted_file/${event()}/download`, ['GET']],
];

test('a wrong verb is refused with 405, and Allow tells the right ones', async () => {
  for (const [path, verbs] of paths)
    for (const verb of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
      if (verbs.includes(verb)) continue;
      const answer = await app
        .staff()
        .rest(verb, path(), verb === 'GET' || verb === 'DELETE' ? undefined : {});
      if (path().startsWith('/v3/crud')) expectCrudError(answer, 405, 'validation');
      else expectActionError(answer, 405);
      const allowed = answer.headers.get('allow')?.split(', ') ?? [];
      expect({ path: path(), verb, allowed }).toMatchObject({
        path: path(),
        verb,
        allowed: expect.arrayContaining(verbs),
      });
      expect(allowed).not.toContain(verb);
    }
});

test('a path that could be a search and an object keeps both sets of verbs apart', async () => {
  // `search` is no id: it has too few characters.
  expectCrudError(await app.staff().rest('GET', '/v3/crud/event/search'), 405, 'validation');
  expectCrudError(await app.staff().rest('PATCH', '/v3/crud/event/search', {}), 405, 'validation');
});

test('HEAD answers what GET does, without its body', async () => {
  for (const path of [
    '/v3/crud/event/',
    `/v3/crud/event/${event()}`,
    `/v3/crud/event/${event()}/session`,
    '/health',
  ]) {
    const get = await app.staff().fetch(path);
    const body = await get.arrayBuffer();
    const head = await app.staff().fetch(path, { method: 'HEAD' });
    expect({ path, status: head.status }).toEqual({ path, status: 200 });
    expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'));
    if (path !== '/health') expect(head.headers.get('content-length')).toBe(String(body.byteLength));
    expect((await head.arrayBuffer()).byteLength).toBe(0);
  }
  const refused = await app.nobody().fetch('/v3/crud/event/', { method: 'HEAD' });
  expect(refused.status).toBe(403);
  expectHeaders(refused);
});

test('OPTIONS tells what is allowed, without a key', async () => {
  for (const [path, verbs] of paths) {
    const answer = await app.nobody().fetch(path(), { method: 'OPTIONS' });
    expect({ path: path(), status: answer.status }).toEqual({ path: path(), status: 204 });
    expect(answer.headers.get('allow')?.split(', ')).toEqual(expect.arrayContaining([...verbs, 'OPTIONS']));
    expectHeaders(answer);
  }
});

test('a browser may send every header of ours from any origin', async () => {
  const wanted =
    'x-aether-api-key,x-account-id,x-no-account-id,authorization,content-type,x-ae-ignore-extra-fields,idempotency-key,if-match';
  for (const path of [...paths.map(([each]) => each()), '/graphql', '/health', '/nowhere'])
    for (const verb of ['GET', 'POST', 'PATCH', 'DELETE']) {
      const answer = await app.nobody().fetch(path, {
        method: 'OPTIONS',
        headers: {
          origin: 'https://app.example.org',
          'access-control-request-method': verb,
          'access-control-request-headers': wanted,
        },
      });
      expect({ path, status: answer.status }).toEqual({ path, status: 204 });
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      expect(answer.headers.get('access-control-allow-methods')).toContain(verb);
      expect(answer.headers.get('access-control-allow-headers')).toBe(wanted);
    }
});

test('every answer carries CORS headers and a request id, errors too', async () => {
  const origin = { origin: 'https://app.example.org' };
  const answers = [
    app.staff().fetch('/v3/crud/event/', { headers: origin }),
    app.nobody().fetch('/v3/crud/event/', { headers: origin }),
    app.staff().fetch('/v3/crud/nowhere/', { headers: origin }),
    app.staff().fetch('/v3/crud/event/x', { headers: origin }),
    app.staff().fetch('/v3/crud/event/', { method: 'PUT', headers: origin }),
    app.staff().fetch('/v3/crud/event/', {
      method: 'POST',
      headers: { ...origin, 'content-type': 'application/json' },
      body: '{',
    }),
    app.staff().fetch('/v3/action/nowhere', { headers: origin }),
    app.nobody().fetch('/nowhere', { headers: origin }),
    app.nobody().fetch('/health', { headers: origin }),
    app.nobody().fetch('/graphql', {
      method: 'POST',
      headers: { ...origin, 'content-type': 'application/json' },
      body: '{}',
    }),
    app
      .staff()
      .fetch('/graphql', { method: 'POST', headers: { ...origin, 'content-type': 'text/plain' }, body: 'x' }),
    app.staff().fetch('/graphql', { method: 'PUT', headers: origin }),
    app.staff().fetch('/v3/crud/event/%E0%A4%A', { headers: origin }),
  ];
  const ids = new Set<string | null>();
  for (const answer of await Promise.all(answers)) {
    expectHeaders(answer);
    expect(answer.headers.get('access-control-expose-headers')).toContain('x-request-id');
    ids.add(answer.headers.get('x-request-id'));
    await answer.text();
  }
  expect(ids.size).toBe(answers.length);
});

test("a caller's own request id comes back, unless it is a strange one", async () => {
  const idOf = async (id: string) => {
    const answer = await app.staff().fetch('/v3/crud/event/', { headers: { 'x-request-id': id } });
    await answer.text();
    return answer.headers.get('x-request-id');
  };
  expect(await idOf('my-call:42.a_b')).toBe('my-call:42.a_b');
  for (const strange of ['two words', 'x'.repeat(65), '<script>', 'a;b'])
    expect(await idOf(strange)).not.toBe(strange);
});

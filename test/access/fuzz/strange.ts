import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc, { type Arbitrary } from 'fast-check';
import { encoded, type Request } from './rest';
import { idOf, text, type Ids } from './values';

const doors = [
  '/v3/crud/event/',
  '/v3/crud/event_session/search',
  '/graphql',
  '/v3/action/user/authenticate',
  '/v3/action/event_file/upload',
];

/** What stands in a header: nothing that a client could not send. */
const value: Arbitrary<string> = fc.oneof(
  text.map((each) =>
    Buffer.from(each)
      .toString('latin1')
      .replace(/[^\t\x20-\x7e\x80-\xff]/g, '')
      .trim(),
  ),
  fc.constantFrom(
    '',
    'null',
    '*',
    '0',
    '-1',
    'a'.repeat(5000),
    '\x80\xff',
    '"',
    'W/"x"',
    ',,,',
    ';;=',
    'a=b; c="d',
    'true',
  ),
);

const meaningful: Record<string, string[]> = {
  'content-type': [
    'application/json',
    'application/json; charset=utf-16',
    'text/plain',
    'application/x+json',
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'application/graphql',
    'application/json;charset="',
    '',
  ],
  'content-encoding': [
    'gzip',
    'br',
    'deflate',
    'identity',
    'gzip, gzip',
    'x-gzip',
    '__proto__',
    'constructor',
    'zstd',
  ],
  accept: [
    '*/*',
    'text/html',
    'application/json',
    'application/graphql-response+json',
    'multipart/mixed',
    'image/*;q=0',
    ',',
  ],
  authorization: [
    'Bearer x',
    'Bearer',
    'Basic eDp5',
    'Bearer a.b.c',
    `Bearer ${'a'.repeat(4000)}`,
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    'Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6Il9fcHJvdG9fXyJ9.e30.x',
  ],
  'x-aether-api-key': ['x', 'not-a-known-key', '__proto__aaaa', "' OR '1'='1", 'test-key-never'],
  'x-account-id': ['1', '__proto__aaaa', 'no-such-account', ''],
  'x-no-account-id': ['bypass', 'Nothing to See Here'],
  range: [
    'bytes=0-',
    'bytes=-1',
    'bytes=9-1',
    'bytes=0-0,1-1,2-2',
    `bytes=${'0-1,'.repeat(900)}`,
    'items=0-1',
    'bytes=99999999999999999999-',
    'bytes=a-b',
  ],
  'if-range': ['"x"', 'W/"x"', 'yesterday', 'Wed, 21 Oct 2099 07:28:00 GMT'],
  'if-match': ['*', '"x"', 'W/"x"', '"a", "b"', `"${'a'.repeat(3000)}"`, '""', '"'],
  'if-none-match': ['*', '"x"', 'W/"x", "y"', '"'],
  'if-modified-since': ['Wed, 21 Oct 2099 07:28:00 GMT', 'never', '0'],
  'idempotency-key': ['a', '"a"', 'é', 'k'.repeat(300), '', '"'],
  origin: ['https://example.org', 'null', 'http://localhost:5173', '://', 'a'.repeat(3000)],
  'access-control-request-method': ['POST', 'X'],
  'access-control-request-headers': ['x-aether-api-key', ',,,'],
  'x-request-id': ['abc', 'a b', '<script>', 'x'.repeat(100)],
  'x-explain': ['graphql', 'x'],
  'x-ae-ignore-extra-fields': ['true', 'perhaps'],
  'x-delay-ms': ['1', '-1', '99999', 'x'],
  'x-forwarded-for': ['1.2.3.4', '::1, x', ',', 'unknown'],
  'x-http-method-override': ['DELETE'],
  te: ['trailers'],
  cookie: ['a=b', ';'],
  'user-agent': ['', 'x'.repeat(2000)],
  'apollo-require-preflight': ['1'],
  prefer: ['respond-async'],
};

/** Headers that mean something, with what they mean and what they do not; some of them twice. */
export const headers: Arbitrary<[string, string][]> = fc.array(
  fc
    .constantFrom(...Object.keys(meaningful))
    .chain((name) => fc.tuple(fc.constant(name), fc.oneof(fc.constantFrom(...meaningful[name]!), value))),
  { maxLength: 5 },
);

const body = '{"query":"{ viewer { level } }","name":"x","and":[]}';
const bodies: (string | Buffer)[] = [
  ...[
    body,
    '',
    '{}',
    '[]',
    'null',
    '""',
    '0',
    '\ufeff{}',
    '\0',
    '{"a":',
    'a=b',
    '<xml/>',
    `[${'1,'.repeat(20_000)}1]`,
  ],
  ...[
    Buffer.from([0xff, 0xfe, 0x7b, 0x00]),
    Buffer.from(body, 'utf16le'),
    gzipSync(body),
    deflateSync(body),
    brotliCompressSync(body),
  ],
  // Small ones of what is large, and broken ones.
  ...[
    gzipSync(Buffer.alloc(5_000_000, ' ')),
    brotliCompressSync(Buffer.alloc(5_000_000, ' ')),
    gzipSync(gzipSync(body)),
  ],
  ...[
    gzipSync(body).subarray(0, 20),
    Buffer.concat([gzipSync(body), Buffer.from('more')]),
    Buffer.alloc(2_000, 0xc3),
  ],
];

/** Any method with any headers and any body, at doors that there are. */
export const withHeaders = (ids: Ids): Arbitrary<Request> =>
  fc
    .tuple(
      fc.constantFrom(
        'GET',
        'POST',
        'POST',
        'PATCH',
        'DELETE',
        'HEAD',
        'OPTIONS',
        'PUT',
        'TRACE',
        'PROPFIND',
        'SEARCH',
        'M-SEARCH',
      ),
      fc.oneof(
        fc.constantFrom(
          ...doors,
          '/',
          '/health',
          '/docs',
          '/openapi.json',
          '/graphiql',
          '/readyz',
          '/.well-known/jwks.json',
          '/api/authenticate_passcode',
          '/v3/crud/event/schema',
        ),
        idOf(ids, 'event_file').map((id) => `/v3/action/event_file/${encoded(id)}/download`),
        idOf(ids, 'hosted_file').map(
          (id) => `/v3/action/hosted_file/${encoded(id)}/download?filename=${encoded(id)}`,
        ),
        idOf(ids, 'event').map((id) => `/v3/crud/event/${encoded(id)}`),
      ),
      headers,
      fc.constantFrom(...bodies),
      fc.boolean(),
    )
    .map(([method, path, given, sent, isJson]): Request => {
      const bare = method === 'GET' || method === 'HEAD';
      return {
        method,
        path,
        headers: isJson && !bare ? [['content-type', 'application/json'], ...given] : given,
        ...(!bare && { body: sent }),
      };
    });

const segments = [
  'v3',
  'crud',
  'action',
  'graphql',
  'event',
  'event_session',
  'search',
  'validate',
  'schema',
  'user',
  'hosted_file',
  'hash',
  'download',
  'api',
  'v2',
  'docs',
  'assets',
  'idaa',
  'novi_member',
  '.well-known',
  'metrics',
  'health',
  'upload',
  'event_file',
  'auth',
];
const odd = [
  '',
  '.',
  '..',
  '%2e%2e',
  '%2f',
  '%5c',
  '%00',
  '%',
  '%zz',
  '%E0%A4%A',
  '%C0%AF',
  '%ff',
  '%F0%9F%98%80',
  '%25',
  '%3F',
  '%23',
  ';',
  '*',
  '~',
  'a%20b',
  '__proto__',
  'constructor',
  '\xe9',
  '\xff\xfe',
  'a'.repeat(300),
  'a'.repeat(7000),
  '%61'.repeat(500),
  '/',
  '\\',
  ':id',
  '(',
  '[',
  '{type}',
  '0',
  '-1',
  'abcdefghijk',
  '%0d%0aX: y',
  '%0a',
];

/** Paths that lead nowhere, or somewhere by a way of their own. */
export const paths: Arbitrary<Request> = fc
  .tuple(
    fc.constantFrom('GET', 'GET', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'PUT'),
    fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...segments) },
        { weight: 2, arbitrary: fc.constantFrom(...odd) },
      ),
      { maxLength: 7 },
    ),
    fc.constantFrom(
      '',
      '',
      '/',
      '//',
      '?',
      '?&&=&',
      '?a[b]=c&a[__proto__]=d',
      '?%',
      '?jwt=%ff',
      '?api_key=a&api_key=b',
      '?explain=graphql',
      '?q=%00',
      '?__proto__=x&constructor=y',
      `?${'a=b&'.repeat(1500)}`,
      '?limit=1&limit=2',
      '?query={',
    ),
    fc.constantFrom('', '', '', '/', 'http://example.org', '/v3/crud', '/v3/action'),
  )
  .map(([method, parts, query, prefix]): Request => ({
    method,
    path: `${prefix}/${parts.join('/')}${query}`,
    headers: method === 'POST' || method === 'PATCH' ? [['content-type', 'application/json']] : [],
    ...((method === 'POST' || method === 'PATCH') && { body: '{}' }),
  }));

const names = [
  'file',
  'files[]',
  '',
  '__proto__',
  'for_type',
  'for_id',
  'event_id',
  'title',
  'a'.repeat(300),
  'é',
  '"',
  'a\\"b',
];
const filenames = [
  'slides.pdf',
  'a.PNG',
  'x.exe',
  'x.svg',
  '../../etc/passwd',
  'C:\\con.pdf',
  '.pdf',
  'a'.repeat(400) + '.pdf',
  'a\0b.pdf',
  'é.pdf',
  '日本.pdf',
  '',
  'x.pdf.exe',
  'noext',
  '%2e%2e.pdf',
];
const contents = [
  '%PDF-1.4\nx',
  '\x89PNG\r\n\x1a\n',
  'MZ',
  '<svg onload=1>',
  '',
  '\0',
  'PK\x03\x04',
  '--b',
  '\r\n--b--\r\n',
  'x'.repeat(5000),
];

/** Forms with files, well made and not. */
export const forms = (ids: Ids): Arbitrary<Request> =>
  fc
    .tuple(
      fc.array(
        fc.tuple(
          fc.constantFrom(...names),
          fc.constantFrom(undefined, ...filenames),
          fc.constantFrom(...contents),
        ),
        { maxLength: 4 },
      ),
      fc.tuple(
        fc.constantFrom('event', 'event_session', 'event_presentation', 'event_location', 'user', 'x'),
        idOf(ids, 'event_session'),
      ),
      fc.nat({ max: 99 }),
      fc.nat({ max: 0xffff }),
    )
    .map(([parts, [type, id], luck, at]): Request => {
      const fields: [string, string | undefined, string][] = [
        ['for_type', undefined, type],
        ['for_id', undefined, id],
      ];
      const lines = [...(luck % 4 > 0 ? fields : []), ...parts].map(([name, filename, content]) => {
        const file =
          filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: application/pdf`;
        return `--b\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${content}\r\n`;
      });
      const whole = Buffer.from(`${lines.join('')}--b--\r\n`);
      const place = at % (whole.length + 1);
      const sent =
        luck < 80
          ? whole
          : luck < 88
            ? whole.subarray(0, place)
            : Buffer.concat([
                whole.subarray(0, place),
                Buffer.from([at & 255]),
                whole.subarray(place + (luck % 3)),
              ]);
      return {
        method: 'POST',
        path: '/v3/action/event_file/upload',
        headers: [
          [
            'content-type',
            luck % 9 === 0 ? 'multipart/form-data; boundary=c' : 'multipart/form-data; boundary=b',
          ],
        ],
        body: sent,
      };
    });

const line = '\r\n';
/** Bytes that are no request, or nearly one. */
export const bytes: Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((each) => Buffer.from(each)),
  fc
    .tuple(
      fc.constantFrom('GET', 'POST', 'get', 'G\0T', '', 'CONNECT', 'PRI', 'HEAD', 'X'.repeat(300)),
      fc.constantFrom(
        '/health',
        '/graphql',
        '/v3/crud/event/',
        '*',
        '',
        '/ /',
        '//',
        'http://a/health',
        '/\xff',
        `/${'a'.repeat(20_000)}`,
        'example.org:443',
      ),
      fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'HTTP/9', '', 'ICAP/1.0'),
      fc.array(
        fc.constantFrom(
          ...[
            'Host: x',
            'Host:',
            'Host: a\r\nHost: b',
            'Content-Length: 5',
            'Content-Length: -1',
            'Content-Length: 1e3',
            'Content-Length: 0x5',
          ],
          ...[
            'Content-Length: 99999999999999999999',
            'Content-Length: 5\r\nContent-Length: 6',
            'Content-Length: 5, 5',
            'Transfer-Encoding: chunked',
          ],
          ...[
            'Transfer-Encoding: chunked, identity',
            'Transfer-Encoding: xchunked',
            'Transfer-Encoding : chunked',
            'Expect: 100-continue',
            'Expect: x',
          ],
          ...[
            'Connection: close',
            'Connection: upgrade\r\nUpgrade: websocket',
            'Upgrade: h2c',
            'X: a\r\n b',
            ' X: y',
            ':x',
            'X',
            'X\0: y',
            'X: \0',
            'X: é',
          ],
          ...[
            `X: ${'a'.repeat(20_000)}`,
            'Content-Type: application/json',
            'x-aether-api-key: test-key-trusted',
            'Trailer: x',
            'TE: trailers',
          ],
        ),
        { maxLength: 6 },
      ),
      fc.constantFrom(
        '',
        '{"a":1}',
        '5\r\nhello\r\n0\r\n\r\n',
        'zz\r\n',
        '5\r\nhel',
        'ffffffffffffffff\r\n',
        '0\r\nX: y\r\n\r\n',
        'GET /health HTTP/1.1\r\nHost: x\r\n\r\n',
        '\0'.repeat(50),
      ),
      fc.constantFrom(line, line, '\n', '\r'),
    )
    .map(([method, path, version, lines, sent, end]) =>
      Buffer.from([`${method} ${path} ${version}`, ...lines, '', sent].join(end), 'latin1'),
    ),
);

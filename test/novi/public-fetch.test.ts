import type { lookup } from 'node:dns';
import { createServer, type Server } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { createPublicFetch } from '../../src/public-fetch';

let server: Server;
let port: number;
let connections = 0;
beforeAll(async () => {
  server = createServer((_request, response) => response.end('reached'));
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

/** The code of what keeps a URL from being fetched. */
const refusal = (url: string, fetch = createPublicFetch()): Promise<unknown> =>
  fetch(url, { signal: AbortSignal.timeout(300) }).then(
    () => 'none',
    (error: { cause?: { code?: unknown } }) => error.cause?.code,
  );

/** Names that mean these addresses, one list after the other; nothing at first. */
function meaning(...answers: string[][]): typeof lookup {
  return ((_name: string, _options: object, done: (error: Error | null, found: object[]) => void) => {
    const answer = answers.shift() ?? [];
    if (answer.length === 0) done(Object.assign(new Error('Not found'), { code: 'ENOTFOUND' }), []);
    else
      done(
        null,
        answer.map((address) => ({ address, family: isIP(address) })),
      );
  }) as unknown as typeof lookup;
}

test('there is a server for those who may', async () => {
  expect(await refusal(`http://127.0.0.1:${port}/`, fetch)).toBe('none');
  connections = 0;
});

test.each([
  '127.0.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '017700000001',
  '127.1',
  '127.0.0.1.',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '0',
  '0.0.0.0',
  '[::]',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::ffff:0:7f00:1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  'localhost',
  'LOCALHOST',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '169.254.169.254',
  '[::ffff:a9fe:a9fe]',
  '100.64.0.1',
  '100.127.255.255',
  '192.0.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[fd00::1]',
  '[fc00::1]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
  '[2001:db8::1]',
])('%s is not reached', async (host) => {
  expect(await refusal(`http://${host}:${port}/`)).toBe('NOT_PUBLIC');
  expect(await refusal(`http://user:password@${host}:${port}/`)).not.toBe('none');
  expect(connections).toBe(0);
});

test('a name counts by what it means when the connection is made', async () => {
  const url = `http://members.example.org:${port}/`;
  const publicFetch = createPublicFetch(meaning([], ['127.0.0.1'], [], ['10.0.0.1', '::1', '127.0.0.1']));
  for (const code of ['ENOTFOUND', 'NOT_PUBLIC', 'ENOTFOUND', 'NOT_PUBLIC'])
    expect(await refusal(url, publicFetch)).toBe(code);
  expect(connections).toBe(0);
});

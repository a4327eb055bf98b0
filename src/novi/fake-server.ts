import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeNoviOptions {
  /** 0 takes any free port. */
  readonly port?: number;
  readonly host?: string;
  /** The only key that is let in. */
  readonly apiKey: string;
  /** Waits this long before each answer. */
  readonly delayMs?: number;
}

export interface FakeNovi {
  readonly url: string;
  readonly port: number;
  /** What was asked since the start or the last `reset()`. */
  readonly requests: readonly FakeNoviRequest[];
  reset(): void;
  /** Ends at once, also with requests still open. */
  close(): Promise<void>;
}

export interface FakeNoviRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
}

/** A stand-in for Novi's customer API, for tests and the demo; `answers` lists who is in it. */
export async function startFakeNovi(options: FakeNoviOptions): Promise<FakeNovi> {
  const { port = 0, host = '127.0.0.1', apiKey, delayMs = 0 } = options;
  const requests: FakeNoviRequest[] = [];

  const server = createServer((request, response) => {
    const { method = '', url: path = '', headers } = request;
    requests.push({ method, path, authorization: headers.authorization });
    const answer = headers.authorization === `Basic ${apiKey}` ? answerFor(request) : json(401, {});
    setTimeout(() => answer(response), delayMs).unref();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });

  const address = server.address() as AddressInfo;
  return {
    url: `http://${host}:${address.port}`,
    port: address.port,
    requests,
    reset() {
      requests.length = 0;
    },
    close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      return closed;
    },
  };
}

type Answer = (response: ServerResponse) => void;

function answerFor({ method, url = '' }: IncomingMessage): Answer {
  const uuid = /\/customers\/([^/?]+)$/.exec(url)?.[1]?.toLowerCase();
  const answer = method === 'GET' && uuid ? answers[uuid] : undefined;
  return answer ?? json(404, { Message: 'Not found' });
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };

/** Every other uuid is unknown. */
const answers: Readonly<Record<string, Answer>> = {
  '11111111-1111-4111-8111-111111111111': json(200, {
    UniqueID: '11111111-1111-4111-8111-111111111111',
    FirstName: 'Grace',
    LastName: 'Hopper',
    Name: 'Grace Hopper',
    Email: 'grace hopper@example.org',
    Phone: '555-0100',
  }),
  '22222222-2222-4222-8222-222222222222': json(200, {
    UniqueID: '22222222-2222-4222-8222-222222222222',
    FirstName: null,
    LastName: null,
    Name: 'Ada Lovelace',
    Email: 'ada@example.org',
  }),
  // Found, but nobody.
  '33333333-3333-4333-8333-333333333333': json(200, {}),
  '44444444-4444-4444-8444-444444444444': json(429, {}, { 'retry-after': '7' }),
  '55555555-5555-4555-8555-555555555555': json(500, { Message: 'Something broke' }),
  // Never an answer.
  '66666666-6666-4666-8666-666666666666': () => undefined,
  '77777777-7777-4777-8777-777777777777': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"FirstName":"Katherine"');
  },
  '88888888-8888-4888-8888-888888888888': json(302, {}, { location: '/elsewhere' }),
  '99999999-9999-4999-8999-999999999999': json(200, { Name: 'x'.repeat(4 * 1024 ** 2) }),
  // A reset connection.
  'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa': (response) => {
    response.socket?.resetAndDestroy();
  },
  // A byte now and then, for ever.
  'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const trickle = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(trickle));
  },
  // Fields of odd types, with an address as the only identity.
  'cccccccc-cccc-4ccc-8ccc-cccccccccccc': json(200, {
    FirstName: 42,
    LastName: ['Johnson'],
    Name: null,
    Email: '  katherine@example.org ',
  }),
};

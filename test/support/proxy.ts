import { createServer as createHttpServer, request } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a server that can be cut, as a network does it, and mended again. */
export interface Line {
  /** The same address, by this way. */
  url: string;
  cut(): Promise<void>;
  mend(): Promise<void>;
}

export async function lineTo(address: string): Promise<Line> {
  const target = new URL(address);
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', () => {
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  const url = new URL(address);
  url.host = `127.0.0.1:${port}`;
  return {
    url: url.href,
    cut: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.resetAndDestroy();
      }),
    mend: () => listen(server, port),
  };
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });

/** A server that answers as the one at `address`, but for what `change` makes of the JSON that it answers. */
export async function changing(
  address: string,
  change: (body: unknown, path: string) => unknown,
): Promise<{ url: string; stop: () => void }> {
  const server = createHttpServer((incoming, outgoing) => {
    const { method, url: path = '', headers } = incoming;
    const onward = request(new URL(path, address), { method, headers }, (answer) => {
      const { statusCode = 502, headers } = answer;
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const body = Buffer.concat(chunks);
        const isJson = body.length > 0 && headers['content-type']?.startsWith('application/json');
        const { 'content-length': _length, 'transfer-encoding': _encoding, ...kept } = headers;
        outgoing
          .writeHead(statusCode, kept)
          .end(isJson ? JSON.stringify(change(JSON.parse(body.toString()), path)) : body);
      });
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await listen(server, 0);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A change that gives a field another name, wherever it is. */
export const renaming =
  (from: string, to: string) =>
  (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(renaming(from, to));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name === from ? to : name, renaming(from, to)(inner)]),
    );
  };

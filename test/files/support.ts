import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { AetherError } from '../../src/kernel/errors';

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Bytes that look random but are the same in every run. */
export const bytesOf = (size: number, seed = 1): Buffer =>
  createHash('shake256', { outputLength: size }).update(String(seed)).digest();

/** A folder that is deleted after the tests of the file; to be called outside of them. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aether-files-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Every file below a folder, by its path from there. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

export interface TestServer {
  port: number;
  /** What the handler threw, oldest first. */
  errors: unknown[];
  close(): Promise<void>;
}

/** A plain HTTP server; an error of the handler is answered as the edge of the product does it. */
export async function serve(
  handler: (req: IncomingMessage, res: ServerResponse) => Promise<void>,
): Promise<TestServer> {
  const errors: unknown[] = [];
  const server = createServer((req, res) => {
    handler(req, res).catch((error: unknown) => {
      errors.push(error);
      if (res.headersSent) return res.destroy();
      res.statusCode = error instanceof AetherError ? error.status : 500;
      return res.end(JSON.stringify({ detail: (error as Error).message }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    errors,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

export interface Question {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  /** Written piece by piece. */
  body?: Buffer | Buffer[];
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export function ask(
  { port }: TestServer,
  { method = 'GET', path = '/', headers = {}, body = [] }: Question = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request({ port, method, path, headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('end', () => {
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks) });
      });
      res.on('error', reject);
    });
    req.on('error', reject);
    for (const chunk of Array.isArray(body) ? body : [body]) req.write(chunk);
    req.end();
  });
}

/** A connection on which a test says and leaves unsaid what it likes. */
export async function dial({ port }: TestServer): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return socket;
}

/** Waits until a condition holds; fails after five seconds. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const start = Date.now(); Date.now() - start < 5000;) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('It did not happen within five seconds.');
}

export interface Part {
  name?: string;
  filename?: string;
  /** The whole header, where a test wants a strange one. */
  disposition?: string;
  type?: string;
  content: Buffer | string;
}

export const boundary = 'aether-boundary';
export const formType = { 'content-type': `multipart/form-data; boundary=${boundary}` };

/** The body of a multipart form. */
export function form(parts: Part[]): Buffer {
  const pieces = parts.flatMap(({ name = 'file', filename, disposition, type, content }) => [
    `--${boundary}\r\nContent-Disposition: ${disposition ?? `form-data; name="${name}"`}`,
    filename === undefined ? '' : `; filename="${filename}"`,
    type ? `\r\nContent-Type: ${type}` : '',
    '\r\n\r\n',
    content,
    '\r\n',
  ]);
  return Buffer.concat([...pieces, `--${boundary}--\r\n`].map((piece) => Buffer.from(piece as string)));
}

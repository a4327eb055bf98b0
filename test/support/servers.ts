import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createConnection, type Connection } from 'mariadb';

export interface TestServer {
  /** With the name of an empty database, where the server has such. */
  url: string;
  /** Ends a private server with all its data; on one that is only used, drops the databases made through `url`. */
  stop(): Promise<void>;
}

const startMs = 30_000;

/**
 * A MariaDB for tests: the server that TEST_DATABASE_URL names, else a private one in a new folder on a free port of this
 * machine. Undefined when none is installed.
 * @throws with the server's last words when it does not start.
 */
export async function startMariadb(): Promise<TestServer | undefined> {
  const { TEST_DATABASE_URL: given } = process.env;
  const prefix = randomName();
  if (given) {
    const url = await createDatabase(given, prefix);
    return { url, stop: () => dropDatabases(url, prefix) };
  }
  const binary = find('mariadbd');
  const installer = find('mariadb-install-db');
  if (!binary || !installer) return undefined;

  const folder = mkdtempSync(join(tmpdir(), 'aether-mariadb-'));
  const data = join(folder, 'data');
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  const install = new Program(installer, [
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ...user,
  ]);
  await install.ended;
  if (install.child.exitCode !== 0) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`mariadb-install-db failed:\n${install.lastWords}`);
  }

  const port = await freePort();
  const server = new Program(
    binary,
    [
      '--no-defaults',
      ...user,
      `--datadir=${data}`,
      // Its own: a server that starts clears the temporary tables of others out of a folder that they share.
      `--tmpdir=${data}`,
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      '--skip-log-bin',
      '--performance-schema=OFF',
      '--max-connections=300',
      '--innodb-buffer-pool-size=64M',
      // A crash may lose what tests wrote: nobody looks for it.
      '--innodb-flush-log-at-trx-commit=0',
      '--innodb-doublewrite=0',
    ],
    folder,
  );
  const address = `mariadb://root@127.0.0.1:${port}/`;
  await server.ready(async () => (await connect(address)).end());
  return { url: await createDatabase(address, prefix), stop: () => server.stop() };
}

/**
 * A Redis for tests: the one that TEST_REDIS_URL names, else a private one that keeps nothing, on a free port or the one given.
 * Undefined when none is installed.
 */
export async function startRedis(options: { port?: number } = {}): Promise<TestServer | undefined> {
  const { TEST_REDIS_URL: given } = process.env;
  return given ? { url: given, stop: async () => {} } : startPrivateRedis(options);
}

/** As {@link startRedis}, but never one that others use: it may be stopped and started again on the same port. */
export async function startPrivateRedis({ port }: { port?: number } = {}): Promise<TestServer | undefined> {
  const binary = find('redis-server');
  if (!binary) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'aether-redis-'));
  const chosen = port ?? (await freePort());
  const server = new Program(
    binary,
    ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder],
    folder,
  );
  const url = `redis://127.0.0.1:${chosen}`;
  await server.ready(async () => {
    const redis = new Redis(url, { lazyConnect: true, retryStrategy: null });
    redis.on('error', () => {});
    try {
      await redis.connect();
      await redis.ping();
    } finally {
      redis.disconnect();
    }
  });
  return { url, stop: () => server.stop() };
}

/** Makes a new, empty database on the server of `serverUrl` and answers its address. It goes when the server's `stop` is called. */
export async function freshDatabase(serverUrl: string): Promise<string> {
  const prefix = new URL(serverUrl).pathname.slice(1) || 'aether_test';
  return createDatabase(serverUrl, `${prefix}_${randomBytes(4).toString('hex')}`);
}

const randomName = () => `aether_test_${randomBytes(4).toString('hex')}`;

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  const connection = await connect(serverUrl);
  try {
    await connection.query(`CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`);
  } finally {
    await connection.end();
  }
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function dropDatabases(serverUrl: string, prefix: string): Promise<void> {
  const connection = await connect(serverUrl);
  try {
    const found = await connection.query<{ name: string }[]>(
      'SELECT schema_name AS name FROM information_schema.schemata WHERE LEFT(schema_name, ?) = ?',
      [prefix.length, prefix],
    );
    for (const { name } of found) await connection.query(`DROP DATABASE \`${name}\``);
  } finally {
    await connection.end();
  }
}

/** A connection to the server itself, whatever database the address names. */
function connect(serverUrl: string): Promise<Connection> {
  const { hostname: host, port, username, password } = new URL(serverUrl);
  return createConnection({
    host,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    connectTimeout: 2000,
  });
}

/** Daemons are often outside of an ordinary user's PATH. */
function find(program: string): string | undefined {
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
    '/usr/libexec',
  ];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A program that does not outlive this process. */
class Program {
  private static readonly running = new Set<Program>();
  private static watching = false;
  readonly child: ChildProcess;
  /** Resolves when the program is gone, however it went. */
  readonly ended: Promise<void>;
  lastWords = '';

  constructor(
    binary: string,
    args: string[],
    private readonly folder?: string,
  ) {
    Program.watchOurEnd();
    Program.running.add(this);
    this.child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (text: Buffer) => {
        this.lastWords = (this.lastWords + text.toString()).slice(-4000);
      });
    this.ended = new Promise<void>((resolve) => {
      this.child.on('error', (error) => {
        this.lastWords += error.message;
        resolve();
      });
      this.child.on('exit', () => resolve());
    }).then(() => {
      Program.running.delete(this);
    });
  }

  /** Resolves when `answers` does; throws when the program ends before, or takes too long. */
  async ready(answers: () => Promise<unknown>): Promise<void> {
    const until = Date.now() + startMs;
    for (;;) {
      try {
        await answers();
        return;
      } catch (error) {
        if (this.child.exitCode === null && Date.now() < until) await sleep(30);
        else {
          await this.stop();
          throw new Error(`${this.child.spawnfile} did not start:\n${this.lastWords}`, { cause: error });
        }
      }
    }
  }

  async stop(): Promise<void> {
    const tooLong = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    this.child.kill('SIGTERM');
    await this.ended;
    clearTimeout(tooLong);
    if (this.folder) rmSync(this.folder, { recursive: true, force: true });
  }

  private static watchOurEnd(): void {
    if (Program.watching) return;
    Program.watching = true;
    process.once('exit', Program.killAll);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => {
        Program.killAll();
        process.kill(process.pid, signal);
      });
  }

  private static readonly killAll = (): void => {
    for (const { child, folder } of Program.running) {
      child.kill('SIGKILL');
      if (folder) rmSync(folder, { recursive: true, force: true });
    }
    Program.running.clear();
  };
}

import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp, type App } from '../../src/app';
import { readConfig } from '../../src/config';
import { serverOptions } from '../../src/http';
import type { Services } from '../../src/kernel/context';
import { allEntities, type Entity } from '../../src/kernel/entity';
import { levels, type Level } from '../../src/kernel/levels';
import { createLog } from '../../src/log';
import { openServices } from '../../src/services';
import { seed } from '../../seeders/rows';
import { Caller } from './callers';
import type { Tenant, Values } from './factory';
import { seedTenant } from './fixture';
import { mariadbServer, redisServer, target } from './jest-target';
import { freshDatabase } from './servers';

export interface AppOptions {
  /** Objects of each type in each account. */
  rows?: number;
  /** Variables of the environment, beside those of a test. */
  env?: Record<string, string>;
  /** What the database keeps of the values of an object, where it is not all of them. */
  keeps?: (entity: Entity, values: Values) => Values;
  /** From which level on lines are logged: errors, unless a test looks at what else is. */
  logLevel?: string;
  /** Fills an account, instead of the usual fixture. */
  fill?: (services: Services, name: 'here' | 'there') => Promise<Tenant>;
  /** Where to go instead: for tests that take the servers away, or start the application twice. */
  through?: (place: Place) => Place | Promise<Place>;
}

/** Where an application keeps its data. */
export interface Place {
  dataDir: string;
  databaseUrl?: string;
  redisUrl?: string;
}

interface Identity {
  person?: string;
  user?: string;
  account?: string;
}

/** Keys that open every account, one for each level. */
export const keyOf = (level: Level | 'never'): string => `test-key-${level}`;

/** The real application on a port of its own, over the database of this run, with two accounts in it. */
export class TestApp {
  url = '';
  services!: Services;
  here!: Tenant;
  there!: Tenant;
  /** What was logged as an error: a test that provokes one takes it out. */
  readonly logged: Record<string, unknown>[] = [];
  /** Every line that was logged, see {@link AppOptions.logLevel}. */
  readonly lines: string[] = [];
  folder = '';
  place!: Place;
  private app!: App;
  private server!: Server;

  async start({
    rows = 6,
    env = {},
    through = (place) => place,
    keeps,
    logLevel = 'error',
    fill = (services, name) => seedTenant(services, name, rows, keeps),
  }: AppOptions): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'aether-app-'));
    const servers =
      target === 'mariadb' ? { databaseUrl: await freshDatabase(mariadbServer!), redisUrl: redisServer } : {};
    this.place = await through({ dataDir: this.folder, ...servers });
    const { dataDir, databaseUrl, redisUrl } = this.place;
    const config = readConfig({
      NODE_ENV: 'test',
      DATA_DIR: dataDir,
      CORS_ORIGINS: '*',
      ...(databaseUrl && { DATABASE_URL: databaseUrl }),
      ...(redisUrl && { REDIS_URL: redisUrl }),
      ...env,
    });
    const log = createLog(logLevel, {
      write: (line) => {
        this.lines.push(line);
        const entry = JSON.parse(line) as Record<string, unknown>;
        if (Number(entry.level) >= 50) this.logged.push(entry);
      },
    });
    this.services = await openServices(config, log);
    this.app = await createApp(this.services, config);
    this.server = createServer(serverOptions, this.app.handler);
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;

    await seed(
      this.services,
      levels.map((level) => ({
        type: 'api_key',
        id: `TestKey-${level}`,
        values: { name: `test ${level}`, publicKey: keyOf(level), level },
      })),
    );
    this.here = await fill(this.services, 'here');
    this.there = await fill(this.services, 'there');
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
    await this.app.stop();
    await this.services.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A caller by a key of this level, with an account: that of `here` unless another is given, none for null. */
  as(level: Level | 'never', account: string | null = this.here.account): Caller {
    return new Caller(this, {
      'x-aether-api-key': keyOf(level),
      ...(account !== null && { 'x-account-id': account }),
    });
  }

  staff = (): Caller => this.as('trusted');
  administrator = (): Caller => this.as('administrator');
  guest = (): Caller => this.as('anonymous');
  /** The most powerful caller who may not leave the account. */
  manager = (): Caller => this.as('manager');
  root = (): Caller => this.as('super');
  otherAccount = (): Caller => this.as('manager', this.there.account);
  nobody = (): Caller => new Caller(this, {});

  /** A person who has signed in, with a key that opens nothing by itself. */
  async signedIn(
    level: Level | 'never',
    { person, user, account = this.here.account }: Identity = {},
  ): Promise<Caller> {
    const claims = { account_id: account, person_id: person, user_id: user, [level]: true };
    const token = await this.services.tokens.sign(claims, 3600);
    return this.guest().with({ 'x-account-id': account, authorization: `Bearer ${token}` });
  }

  /** How many SQL statements the work took. */
  async statementsOf(work: () => Promise<unknown>): Promise<number> {
    const before = this.services.database.statements;
    await work();
    return this.services.database.statements - before;
  }

  /** How many rows there are in the table, whosever they are. */
  async countRows(table: string): Promise<number> {
    const [row] = await this.services.database.select<{ n: number }>(
      `SELECT COUNT(*) AS n FROM \`${table}\``,
    );
    return row!.n;
  }

  /** A row of a table as the database has it. */
  async rowOf(table: string, id: string): Promise<Record<string, unknown> | undefined> {
    const [row] = await this.services.database.select(`SELECT * FROM \`${table}\` WHERE id_random = ?`, [id]);
    return row;
  }
}

/**
 * Starts one application for the tests of the file, and ends it after them. An error that nobody foresaw, in any of them, is a
 * failure of the file: such an answer is a 500, whatever the test looked at.
 */
export function useApp(options: AppOptions = {}): TestApp {
  const app = new TestApp();
  jest.setTimeout(30_000);
  beforeAll(() => app.start(options));
  afterAll(async () => {
    await app.stop();
    expect(app.logged).toEqual([]);
  });
  return app;
}

/**
 * Makes sure that no test of the file leaves a row behind, or takes one away, but in the log of what was done; `settle` takes note of
 * those that are meant.
 */
export function keepsRows(app: TestApp): { settle: () => Promise<void> } {
  const tables = allEntities().flatMap(({ table }) => (table === 'activity_log' ? [] : [table]));
  const counts = () => Promise.all(tables.map((table) => app.countRows(table)));
  let before: number[];
  const settle = async () => {
    before = await counts();
  };
  beforeAll(settle);
  afterEach(async () => {
    expect(await counts()).toEqual(before);
  });
  return { settle };
}

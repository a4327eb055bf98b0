import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { createAttempts } from './auth/attempts';
import { importKeys } from './auth/key-set';
import { createTokens } from './auth/token';
import { createViewers } from './auth/viewer';
import { openMemoryCache, openRedisCache, type Cache } from './cache';
import { ConfigError, type Config } from './config';
import type { Database } from './database/database';
import type { Differences } from './database/existing';
import { tablesWithIndexedWords } from './database/full-text';
import { openDatabase } from './database/open';
import { migrate } from './database/migrator';
import { openFileStore } from './files/store';
import type { Services } from './kernel/context';
import { createCursors } from './kernel/cursor';
import { allEntities } from './kernel/entity';
import { createNotes } from './kernel/activity';
import { createPublicIds } from './kernel/public-id';
import { createUsage } from './kernel/usage';
import { createLegacy } from './legacy/calls';
import { createLedger } from './legacy/ledger';
import { openSwitches, type Switches } from './legacy/switches';
import { createMail } from './mail';
import { createMetrics } from './metrics';
import { createNoviClient } from './novi/client';
import { createSiteOrigins, type SiteOrigins } from './origins';
import { packageRoot } from './paths';
import { allTables } from './tables';

declare module './kernel/context' {
  interface Services {
    cache: Cache;
    siteOrigins: SiteOrigins;
    close(): Promise<void>;
  }
}

const channel = 'aether:changed';

/** Types whose rows decide who is calling. */
const deciding = new Set(['api_key', 'user', 'account', 'site']);

/** Types whose rows decide which pages may call. */
const naming = new Set(['site_domain', 'site', 'account']);

/**
 * Opens everything that the server stands on, and brings the tables up to date.
 * @throws when the database cannot be reached or migrated, or its tables lack what no row can do without.
 */
export async function openServices(
  config: Config,
  log: Logger,
  now: () => Date = () => new Date(),
): Promise<Services> {
  const { redisUrl, jwtKey } = config;
  const switches = readSwitches(config, log, now);
  const database = await openMigrated(config, log);
  const cache = redisUrl ? openRedisCache(redisUrl) : openMemoryCache();
  const publicIds = createPublicIds(database, jwtKey);
  const metrics = createMetrics({ database });
  const notes = createNotes({ database, log, now });
  const spare = cache.redis && { redis: cache.redis, of: nameOf(config) };
  const usage = createUsage({ database, log, now, spare });
  const ledger = createLedger({ database, log, now, spare });
  const tokens = createTokens(jwtKey, now, await importKeys(config.jwtKeys));
  const viewers = createViewers({ database, log, now, publicIds, tokens });
  const siteOrigins = createSiteOrigins({ database });
  const told = (type: string): void => {
    if (deciding.has(type)) viewers.forget();
    if (naming.has(type)) siteOrigins.forget();
  };
  cache.subscribe(channel, told).catch((error: unknown) => {
    log.warn({ err: error }, 'changes in other processes are not heard of');
  });

  return {
    database,
    cache,
    publicIds,
    tokens,
    viewers,
    siteOrigins,
    attempts: createAttempts(cache.redis),
    mail: createMail({ url: config.smtpUrl, from: config.mailFrom, log }),
    cursors: createCursors(jwtKey),
    indexedWords: await tablesWithIndexedWords(database, 'default_qry_str'),
    files: await openFileStore(config.fileRoot),
    novi: createNoviClient({ cache, log }),
    noviSettings: { rootUrl: config.noviRootUrl, apiKey: config.noviApiKey },
    exposePasscodes: config.exposePasscodes,
    log,
    metrics,
    legacy: createLegacy({ log, metrics, ledger, switches }),
    ledger,
    notes,
    usage,
    now,
    corrupt: metrics.corrupt,
    changed(changes) {
      for (const type of new Set(changes.map(({ entity }) => entity.table))) {
        if (!deciding.has(type) && !naming.has(type)) continue;
        told(type);
        cache.publish(channel, type).catch((error: unknown) => {
          log.warn({ err: error }, 'other processes could not be told of a change');
        });
      }
    },
    async close() {
      switches.close();
      await notes.flush();
      await usage.flush();
      await ledger.flush();
      await cache.close();
      await database.close();
    },
  };
}

function readSwitches({ legacySwitchesFile: path }: Config, log: Logger, now: () => Date): Switches {
  try {
    return openSwitches(path, { log, now });
  } catch (error) {
    throw new ConfigError([`LEGACY_SWITCHES_FILE: ${(error as Error).message}`]);
  }
}

/** Tells databases apart, without what its address has in it. */
const nameOf = ({ databaseUrl, dataDir }: Config): string =>
  hash('sha256', databaseUrl ?? dataDir, 'hex').slice(0, 12);

/** The database with all tables that the types need, and with what is said of those that others made. */
async function openMigrated(
  { databaseUrl: url, dataDir, databasePoolMax: poolMax, statementMaxMs }: Config,
  log: Logger,
): Promise<Database> {
  const models = allEntities().map(({ type }) => type);
  const database = await openDatabase({ url, dataDir, poolMax }, models);
  try {
    const ran = await migrate(database, join(packageRoot, 'schema/migrations'));
    if (ran.length > 0) log.info({ migrations: ran }, 'migrated');
    const differences = await database.fit(allTables());
    for (const [name, meaning] of Object.entries(meanings) as [keyof Differences, string][])
      if (differences[name].length > 0) log.warn({ [name]: differences[name] }, meaning);
    // What came before may take its time.
    if (statementMaxMs > 0) await database.limit(statementMaxMs);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** What it means that the tables are not as they were declared. */
const meanings: Record<keyof Differences, string> = {
  missing: 'the database has no such columns, or cannot give what they should hold: they read as null',
  filled: 'columns that are not ours need a value: new rows get an empty one',
  nameless: 'there are rows without a public id in these tables: npm run doctor gives them one',
  unindexed: 'the database has no such indexes: what needs them is slow, or not kept unique',
};

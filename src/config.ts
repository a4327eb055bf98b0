import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { JWK } from 'jose';
import { z } from 'zod';

const flag = z.enum(['true', 'false', '1', '0', '']).transform((value) => value === 'true' || value === '1');
const bytes = (fallback: number) => z.coerce.number().int().positive().default(fallback);
const rate = z.coerce.number().int().min(0).optional();

/** Every variable that the server reads, with its default. `.env.example` explains them to operators. */
const variables = z.object({
  NODE_ENV: z.enum(['production', 'development', 'test']).default('development'),
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65535).default(5005),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  TRUST_PROXY: z.string().default(''),
  CORS_ORIGINS: z.string().default('sites'),

  DATA_DIR: z.string().default('.data'),
  FILE_ROOT: z.string().optional(),
  DATABASE_URL: z
    .url({ protocol: /^mariadb$/, error: 'must be mariadb://user:password@host:port/database' })
    .optional(),
  DATABASE_POOL_MAX: z.coerce.number().int().min(1).max(500).default(10),
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'must be redis://host:port' }).optional(),
  DEMO_DATA: flag.optional(),

  AE_API_JWT_KEY: z.string().optional(),
  AE_API_JWT_KEYS_FILE: z.string().optional(),
  NOVI_API_ROOT_URL: z.url({ protocol: /^https?$/ }).optional(),
  NOVI_IDAA_API_KEY: z.string().optional(),

  SMTP_URL: z.url({ protocol: /^smtps?$/, error: 'must be smtp://user:password@host:port' }).optional(),
  MAIL_FROM: z.string().optional(),

  UPLOAD_MAX_BYTES: bytes(2 * 1024 ** 3),
  BODY_MAX_BYTES: bytes(1024 ** 2),
  STATEMENT_MAX_MS: z.coerce.number().int().min(0).default(30_000),
  BODY_MAX_MS: z.coerce.number().int().positive().default(30_000),
  INTROSPECTION: z.enum(['all', 'administrators']).optional(),
  GRAPHQL_MAX_COST: z.coerce.number().int().positive().default(5_000_000),
  RATE_PER_MINUTE_ADDRESS: rate,
  RATE_PER_MINUTE_KEY: rate,
  RATE_PER_MINUTE_VIEWER: rate,
  MAX_EVENT_LOOP_DELAY_MS: z.coerce.number().int().min(0).optional(),
  METRICS: z.enum(['off', 'loopback', 'on']).default('loopback'),
  SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).default(10_000),
  CHANGES_DAYS: z.coerce.number().int().min(1).default(90),
  AUDIT_DAYS: z.coerce.number().int().min(1).default(365),
  LEGACY_EXPOSE_PASSCODES: flag.default(false),
  RECORD_REQUESTS: z.string().optional(),
  LEGACY_SWITCHES_FILE: z.string().optional(),
  ALLOW_TEST_DELAY: flag.default(false),
});

/** Keys that stand in examples and manuals: as good as none. */
const knownJwtKeys = ['secret', 'changeme', 'change-me', 'development-only-key-of-32-bytes!'];
const developmentJwtKey = 'development-only-key-of-32-bytes!';

/** Thrown once, with everything that is wrong. */
export class ConfigError extends Error {
  constructor(readonly problems: string[]) {
    super(`The configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

export interface Config {
  readonly production: boolean;
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  /** Express "trust proxy" value; empty when no proxy stands in front. */
  readonly trustProxy: string;
  /** `*`, or the origins that browsers may call from; `sites` among them stands for the sites of all accounts. */
  readonly corsOrigins: '*' | readonly string[];
  readonly dataDir: string;
  readonly fileRoot: string;
  /** Absent: the embedded database in `dataDir`. */
  readonly databaseUrl?: string;
  readonly databasePoolMax: number;
  /** Absent: a cache inside this process. */
  readonly redisUrl?: string;
  readonly demoData: boolean;
  readonly jwtKey: string;
  /** Keys that tokens are signed and verified with, the first signs; none: `jwtKey`. */
  readonly jwtKeys: readonly JWK[];
  readonly noviRootUrl?: string;
  readonly noviApiKey?: string;
  /** Absent: the server sends no mail. */
  readonly smtpUrl?: string;
  readonly mailFrom?: string;
  readonly uploadMaxBytes: number;
  readonly bodyMaxBytes: number;
  /** How long a body other than an upload may take to come. */
  readonly bodyMaxMs: number;
  /** How long one statement of the database may take, in milliseconds; 0: as long as it takes. */
  readonly statementMaxMs: number;
  /** Who is shown the schema, and names that they may have meant. */
  readonly introspection: 'all' | 'administrators';
  /** Rows that one operation sent to `/graphql` may read at most, as they are counted beforehand. */
  readonly graphqlMaxCost: number;
  /** Requests that are let in each minute by what they come from; 0 for any number. */
  readonly ratesPerMinute: Readonly<Record<'address' | 'key' | 'viewer', number>>;
  /** How late the event loop may be on average before requests are turned away; 0 for any time. */
  readonly maxEventLoopDelayMs: number;
  /** Who may read `/metrics`: nobody, programs on this machine, or everybody. */
  readonly metrics: 'off' | 'loopback' | 'on';
  readonly shutdownGraceMs: number;
  /** How long changes are told of. */
  readonly changesDays: number;
  /** How long the activity log is kept. */
  readonly auditDays: number;
  readonly exposePasscodes: boolean;
  /** File that REST requests and their answers are recorded in; absent: they are not. */
  readonly recordRequests?: string;
  /** File that says which old routes are switched off; absent: none. */
  readonly legacySwitchesFile?: string;
  readonly allowTestDelay: boolean;
}

/**
 * Reads and checks the environment.
 * @throws ConfigError naming every problem at once.
 */
export function readConfig(env?: NodeJS.ProcessEnv): Config {
  const { config, problems } = checkConfig(env);
  if (!config || problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** The same without throwing, for who has more to check; no configuration when variables could not be read at all. */
export function checkConfig(env: NodeJS.ProcessEnv = process.env): { config?: Config; problems: string[] } {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = variables.safeParse(given);
  if (!parsed.success)
    return { problems: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) };

  const v = parsed.data;
  const production = v.NODE_ENV === 'production';
  // A test asks more of one server, and holds it up more, than any program does.
  const test = v.NODE_ENV === 'test';
  const demoData = v.DEMO_DATA ?? (!production && !v.DATABASE_URL);
  const problems: string[] = [];
  if (v.NOVI_IDAA_API_KEY && !v.NOVI_API_ROOT_URL)
    problems.push('NOVI_API_ROOT_URL: needed beside NOVI_IDAA_API_KEY, which is sent to no other');
  if (v.SMTP_URL && !v.MAIL_FROM) problems.push('MAIL_FROM: needed beside SMTP_URL');
  if (production) {
    if (v.TRUST_PROXY === 'true')
      problems.push('TRUST_PROXY: true believes whatever callers say; name the proxies, or count them');
    if (!v.DATABASE_URL) problems.push('DATABASE_URL: production needs a MariaDB database');
    if (demoData) problems.push('DEMO_DATA: demo data and its keys are not for production');
    if (!v.AE_API_JWT_KEY) problems.push('AE_API_JWT_KEY: production needs a key to sign tokens with');
    else if (Buffer.byteLength(v.AE_API_JWT_KEY) < 32) problems.push('AE_API_JWT_KEY: shorter than 32 bytes');
    else if (knownJwtKeys.some((known) => v.AE_API_JWT_KEY?.startsWith(known)))
      problems.push('AE_API_JWT_KEY: a key from an example is known to everyone');
  }

  const jwtKeys = v.AE_API_JWT_KEYS_FILE ? readKeys(v.AE_API_JWT_KEYS_FILE, problems) : [];

  const dataDir = resolve(v.DATA_DIR);
  const config: Config = Object.freeze({
    production,
    host: v.HOST,
    port: v.PORT,
    logLevel: v.LOG_LEVEL,
    trustProxy: v.TRUST_PROXY,
    corsOrigins: originsFrom(v.CORS_ORIGINS),
    dataDir,
    fileRoot: resolve(v.FILE_ROOT ?? `${dataDir}/files`),
    databaseUrl: v.DATABASE_URL,
    databasePoolMax: v.DATABASE_POOL_MAX,
    redisUrl: v.REDIS_URL,
    demoData,
    jwtKey: v.AE_API_JWT_KEY ?? developmentJwtKey,
    jwtKeys,
    noviRootUrl: v.NOVI_API_ROOT_URL,
    noviApiKey: v.NOVI_IDAA_API_KEY,
    smtpUrl: v.SMTP_URL,
    mailFrom: v.MAIL_FROM,
    uploadMaxBytes: v.UPLOAD_MAX_BYTES,
    bodyMaxBytes: v.BODY_MAX_BYTES,
    statementMaxMs: v.STATEMENT_MAX_MS,
    bodyMaxMs: v.BODY_MAX_MS,
    introspection: v.INTROSPECTION ?? (production ? 'administrators' : 'all'),
    graphqlMaxCost: v.GRAPHQL_MAX_COST,
    ratesPerMinute: {
      address: v.RATE_PER_MINUTE_ADDRESS ?? (test ? 0 : 30_000),
      key: v.RATE_PER_MINUTE_KEY ?? (test ? 0 : 120_000),
      viewer: v.RATE_PER_MINUTE_VIEWER ?? (test ? 0 : 6_000),
    },
    maxEventLoopDelayMs: v.MAX_EVENT_LOOP_DELAY_MS ?? (test ? 0 : 1_000),
    metrics: v.METRICS,
    shutdownGraceMs: v.SHUTDOWN_GRACE_MS,
    changesDays: v.CHANGES_DAYS,
    auditDays: v.AUDIT_DAYS,
    exposePasscodes: v.LEGACY_EXPOSE_PASSCODES,
    recordRequests: v.RECORD_REQUESTS,
    legacySwitchesFile: v.LEGACY_SWITCHES_FILE && resolve(v.LEGACY_SWITCHES_FILE),
    allowTestDelay: v.ALLOW_TEST_DELAY,
  });
  return { config, problems };
}

/** What the environment tells of secrets for a replay: `REPLAY_KEY` as `key`. */
export const replaySecrets = (env: NodeJS.ProcessEnv = process.env): Map<string, string> =>
  new Map(
    Object.entries(env).flatMap(([name, value]) =>
      name.startsWith('REPLAY_') && value ? [[name.slice(7).toLowerCase(), value] as const] : [],
    ),
  );

function originsFrom(text: string): Config['corsOrigins'] {
  const origins = text.split(',').map((origin) => origin.trim().toLowerCase().replace(/\/$/, ''));
  return origins.includes('*') ? '*' : origins.filter(Boolean);
}

const member = z.string().regex(/^[\w-]+$/);

/** What is used of a JSON Web Key; 2048 bits are 342 characters. */
const jsonWebKey = z.discriminatedUnion('kty', [
  z.object({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    x: member,
    d: member.optional(),
    kid: z.string().min(1),
  }),
  z.object({
    ...{
      kty: z.literal('RSA'),
      n: member.min(342, 'has fewer than 2048 bits'),
      e: member,
      kid: z.string().min(1),
    },
    ...{ d: member.optional(), p: member.optional(), q: member.optional() },
    ...{ dp: member.optional(), dq: member.optional(), qi: member.optional() },
  }),
]);
const keySet = z.object({
  keys: z
    .array(jsonWebKey)
    .min(1)
    .refine(([first]) => first?.d !== undefined, 'the first one signs: it needs its private part')
    .refine((keys) => new Set(keys.map(({ kid }) => kid)).size === keys.length, 'two have the same kid'),
});

/** A JSON Web Key Set, from a file. What is wrong with it is told without what stands in it. */
function readKeys(file: string, problems: string[]): JWK[] {
  const tell = (problem: string): JWK[] => {
    problems.push(`AE_API_JWT_KEYS_FILE: ${problem}`);
    return [];
  };
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return tell('cannot be read as JSON');
  }
  const { data, error } = keySet.safeParse(content);
  if (data) return data.keys;
  return tell(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
}

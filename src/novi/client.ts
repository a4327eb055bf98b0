import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import {
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
  RLWrapperTimeouts,
} from 'rate-limiter-flexible';
import { z } from 'zod';
import type { Cache } from '../cache';
import { notFound, rateLimited, unavailable, unprocessable } from '../kernel/errors';
import { createPublicFetch } from '../public-fetch';

/** All that is ever kept of a member. `fullName` or `email` may be empty, never both. */
export interface NoviMember {
  readonly verified: true;
  /** "Grace H.", or Novi's own `Name` for a member without first and last name. */
  readonly fullName: string;
  readonly email: string;
}

/** Whose Novi to ask: the members' site, with what its settings or the environment say. */
export interface NoviSite {
  readonly siteId: string;
  readonly rootUrl?: string | null;
  readonly apiKey?: string | null;
  /** The root is the operator's, and may be anywhere; otherwise it is reached at public addresses alone. */
  readonly anywhere?: boolean;
}

/** Calls that one Novi configuration may cost us. */
export interface NoviLimits {
  readonly perSecond: number;
  readonly perMinute: number;
  readonly perDay: number;
}

export interface NoviClientOptions {
  readonly cache: Cache;
  readonly log: Logger;
  /** Shares the limits among all processes; without it each process counts alone. */
  readonly redis?: Redis;
  readonly limits?: NoviLimits;
  /** For one upstream call from connecting to the last byte. */
  readonly timeoutMs?: number;
  /** For roots that may be anywhere. */
  readonly fetch?: typeof globalThis.fetch;
}

export interface NoviClient {
  /**
   * Asks whether `uuid` is a member, remembering a yes for four hours.
   * @throws UNPROCESSABLE for what is no UUID, NOT_FOUND for an unknown member,
   *   RATE_LIMITED by Novi's limit or ours, UNAVAILABLE when Novi cannot be asked.
   */
  verify(uuid: string, site: NoviSite): Promise<NoviMember>;
}

/** Makes the client; many calls at once for one member of one site become one upstream call. */
export function createNoviClient(options: NoviClientOptions): NoviClient {
  const tools: Tools = {
    cache: options.cache,
    log: options.log,
    limiters: makeLimiters(options.limits ?? noviLimits, options.redis),
    timeoutMs: options.timeoutMs ?? 8_000,
    fetch: options.fetch ?? globalThis.fetch,
    publicFetch: createPublicFetch(),
  };
  const flights = new Map<string, Promise<NoviMember>>();

  return {
    async verify(uuid, site) {
      if (!uuidPattern.test(uuid)) throw unprocessable('A member id is a UUID of 36 characters.');
      const member = uuid.toLowerCase();
      const source = readSource(site);
      if (!source) {
        tools.log.warn({ siteId: site.siteId }, 'Novi is not configured, or not usably, for this site');
        throw unavailable('Member verification is not configured.', retryAfterRepair);
      }

      const name = `${source.siteId} ${source.fingerprint} ${member}`;
      const flight = flights.get(name) ?? lookUp(tools, source, member).finally(() => flights.delete(name));
      flights.set(name, flight);
      return flight;
    },
  };
}

interface Tools {
  readonly cache: Cache;
  readonly log: Logger;
  readonly limiters: readonly Limiter[];
  readonly timeoutMs: number;
  readonly fetch: typeof globalThis.fetch;
  readonly publicFetch: typeof globalThis.fetch;
}

interface Source {
  readonly siteId: string;
  readonly anywhere: boolean;
  readonly rootUrl: string;
  readonly apiKey: string;
  /** Tells configurations apart without showing the key. */
  readonly fingerprint: string;
}

const noviLimits: NoviLimits = { perSecond: 20, perMinute: 600, perDay: 100_000 };
const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const rememberedSeconds = 4 * 60 * 60;
const maxBodyBytes = 1024 ** 2;
/** The members' gate gives up after 12 s: cache and limiter may take little beside the upstream's 8 s. */
const cacheTimeoutMs = 500;
const limiterTimeoutMs = 300;

const retryAfterLimit = 10;
const retryAfterOutage = 3;
/** Somebody must mend the configuration first. */
const retryAfterRepair = 60;
const maxRetryAfter = 3_600;

/** The settings are free JSON, so anything may stand in them. A header takes printable characters only. */
const configuration = z.object({
  rootUrl: z
    .string()
    .trim()
    .pipe(z.url({ protocol: /^https?$/ })),
  apiKey: z
    .string()
    .trim()
    .regex(/^[\x20-\x7e]+$/),
});

function readSource(site: NoviSite): Source | undefined {
  const { data } = configuration.safeParse(site);
  if (!data) return undefined;
  const { origin, pathname } = new URL(data.rootUrl);
  const rootUrl = origin + pathname.replace(/\/+$/, '');
  const fingerprint = createHash('sha256')
    .update(`${rootUrl} ${data.apiKey}`)
    .digest('base64url')
    .slice(0, 16);
  const { siteId, anywhere = false } = site;
  return { siteId, anywhere, rootUrl, apiKey: data.apiKey, fingerprint };
}

async function lookUp(tools: Tools, source: Source, uuid: string): Promise<NoviMember> {
  const key = `idaa:novi_member:${uuid}`;
  const known = await recall(tools, source, key);
  if (known) return known;

  await takeTurn(tools, source);
  const member = await askNovi(tools, source, uuid);
  await remember(tools, source, key, member);
  return member;
}

/** An older server may write the same keys, without the site: such a value is not trusted. */
const remembered = z.object({
  verified: z.literal(true),
  full_name: z.string(),
  email: z.string(),
  site_id: z.string(),
  api_root_url: z.string(),
});

async function recall({ cache, log }: Tools, source: Source, key: string): Promise<NoviMember | undefined> {
  try {
    const text = await within(cacheTimeoutMs, cache.get(key));
    const { data } = remembered.safeParse(parseJson(text ?? ''));
    if (data?.site_id !== source.siteId || data.api_root_url !== source.rootUrl) return undefined;
    return { verified: true, fullName: data.full_name, email: data.email };
  } catch (error) {
    log.warn({ siteId: source.siteId, reason: reasonOf(error) }, 'Cache not readable: asking Novi');
    return undefined;
  }
}

async function remember(
  { cache, log }: Tools,
  source: Source,
  key: string,
  member: NoviMember,
): Promise<void> {
  const value: z.infer<typeof remembered> = {
    verified: true,
    full_name: member.fullName,
    email: member.email,
    site_id: source.siteId,
    api_root_url: source.rootUrl,
  };
  try {
    await within(cacheTimeoutMs, cache.set(key, JSON.stringify(value), rememberedSeconds));
  } catch (error) {
    log.warn({ siteId: source.siteId, reason: reasonOf(error) }, 'Cache not writable: member not remembered');
  }
}

type Limiter = Pick<RateLimiterMemory, 'consume'>;

/** Shortest window first: a call refused there costs nothing of the longer ones. */
function makeLimiters(limits: NoviLimits, redis?: Redis): Limiter[] {
  const windows = [
    { keyPrefix: 'idaa:novi_limit:second', points: limits.perSecond, duration: 1 },
    { keyPrefix: 'idaa:novi_limit:minute', points: limits.perMinute, duration: 60 },
    { keyPrefix: 'idaa:novi_limit:day', points: limits.perDay, duration: 86_400 },
  ];
  return windows.map((window) => {
    const own = new RateLimiterMemory(window);
    if (!redis) return own;
    const shared = { ...window, storeClient: redis, rejectIfRedisNotReady: true, insuranceLimiter: own };
    return new RLWrapperTimeouts({ limiter: new RateLimiterRedis(shared), timeoutMs: limiterTimeoutMs });
  });
}

async function takeTurn({ limiters, log }: Tools, source: Source): Promise<void> {
  for (const limiter of limiters) {
    try {
      await limiter.consume(source.fingerprint);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      log.warn({ siteId: source.siteId }, 'Too many member verifications: Novi not asked');
      throw rateLimited('Too many member verifications.', clampSeconds(refusal.msBeforeNext / 1_000));
    }
  }
}

/** No cause goes with the errors: the messages of fetch and JSON.parse quote headers and bodies. */
async function askNovi(tools: Tools, source: Source, uuid: string): Promise<NoviMember> {
  const { log } = tools;
  const { siteId } = source;
  const answer = await exchange(tools, source, uuid).catch((error: unknown) => {
    log.warn({ siteId, reason: reasonOf(error) }, 'Novi not reached');
    throw unavailable('The membership service cannot be reached.', retryAfterOutage);
  });

  switch (answer.status) {
    case 200:
      break;
    case 404:
      throw notFound('NoviMember', uuid);
    case 429:
      log.warn({ siteId }, 'Novi says that we ask too often');
      throw rateLimited(
        'The membership service is busy.',
        readRetryAfter(answer.retryAfter, retryAfterLimit),
      );
    case 401:
    case 403:
      log.error({ siteId, status: answer.status }, 'Novi refuses our key');
      throw unavailable('Member verification is not configured.', retryAfterRepair);
    default:
      log.warn({ siteId, status: answer.status }, 'Novi failed');
      throw unavailable(
        'The membership service failed.',
        readRetryAfter(answer.retryAfter, retryAfterOutage),
      );
  }

  const parsed = upstreamMember.safeParse(parseJson(answer.body));
  if (!parsed.success) {
    log.warn({ siteId }, 'Novi gave an answer that is not a member in JSON');
    throw unavailable('The membership service gave no usable answer.', retryAfterOutage);
  }
  const member = parsed.data && toMember(parsed.data);
  if (!member) throw notFound('NoviMember', uuid);
  return member;
}

const text = z.string().trim().catch('');
/** `null` is an answer without identity; whatever else Novi sends is dropped here. */
const upstreamMember = z.object({ FirstName: text, LastName: text, Name: text, Email: text }).nullable();

function toMember(upstream: NonNullable<z.infer<typeof upstreamMember>>): NoviMember | undefined {
  const { FirstName, LastName, Name, Email } = upstream;
  const [initial] = LastName;
  const fullName = FirstName && initial ? `${FirstName} ${initial}.` : Name;
  // An address holds no space: what Novi shows as one was a plus.
  const email = Email.replaceAll(' ', '+');
  return fullName || email ? { verified: true, fullName, email } : undefined;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: string;
}

async function exchange(tools: Tools, source: Source, uuid: string): Promise<Answer> {
  const stop = new AbortController();
  const call = async (): Promise<Answer> => {
    const fetch = source.anywhere ? tools.fetch : tools.publicFetch;
    const response = await fetch(`${source.rootUrl}/customers/${uuid}`, {
      // Novi wants the key raw where Basic has base64 elsewhere.
      headers: { authorization: `Basic ${source.apiKey}`, accept: 'application/json' },
      // Following would carry the key to wherever the answer points.
      redirect: 'manual',
      signal: stop.signal,
    });
    const body = response.status === 200 ? await readBody(response) : '';
    return { status: response.status, retryAfter: response.headers.get('retry-after'), body };
  };
  try {
    // The race, because fetch may forget its signal once the headers are there.
    return await within(tools.timeoutMs, call());
  } finally {
    // Also frees the connection of an answer whose body nobody reads.
    stop.abort();
  }
}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBodyBytes) throw Object.assign(new Error('Body too large'), { code: 'BODY_TOO_LARGE' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Reads seconds or an HTTP date. */
function readRetryAfter(header: string | null, fallback: number): number {
  const value = header?.trim() ?? '';
  if (/^\d+$/.test(value)) return clampSeconds(Number(value));
  const date = value.endsWith('GMT') ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? fallback : clampSeconds((date - Date.now()) / 1_000);
}

function clampSeconds(seconds: number): number {
  return Math.min(Math.max(Math.ceil(seconds), 1), maxRetryAfter);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('Timed out'), { code: 'TIMED_OUT' })), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** A code or a class name, never a message: those may quote what must not be logged. */
function reasonOf(error: unknown): string {
  const { cause, name } = (error ?? {}) as { cause?: unknown; name?: unknown };
  const { code } = (cause ?? error) as { code?: unknown };
  return typeof code === 'string' ? code : String(name);
}

import type { ServerResponse } from 'node:http';
import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import { rateLimited } from './kernel/errors';

/** So many requests may come in a minute from what `of` names; 0 for as many as there are. */
export interface Rate {
  policy: 'address' | 'key' | 'viewer';
  of: string | undefined;
  perMinute: number;
}

/** What is left of a rate, and in how many seconds there is all of it again. */
export interface Left {
  rate: Rate;
  left: number;
  seconds: number;
}

export interface RateLimits {
  /**
   * Counts a request, and adds what is left to `counted`.
   * @throws RATE_LIMITED
   */
  count(rate: Rate, counted: Left[]): Promise<void>;
  close(): void;
}

const windowSeconds = 60;

/** How far behind each other processes may be. */
const syncMs = 1000;

/**
 * Counts requests in windows of a minute. Each process counts by itself and so decides at once; where there is Redis, they add up
 * there what they have counted, once a second, and each goes on from the sum. While Redis is away each goes on alone.
 */
export function createRateLimits(redis?: Redis): RateLimits {
  // The libraries count; how many there may be differs from one to the other.
  const window = { points: Number.MAX_SAFE_INTEGER, duration: windowSeconds };
  const own = new RateLimiterMemory(window);
  const shared =
    redis &&
    new RateLimiterRedis({
      storeClient: redis,
      rejectIfRedisNotReady: true,
      keyPrefix: 'aether:rate',
      ...window,
    });
  /** What the others do not know of yet. */
  const unsent = new Map<string, number>();

  async function send(shared: RateLimiterRedis, name: string, count: number): Promise<void> {
    try {
      const { consumedPoints, msBeforeNext } = await shared.penalty(name, count);
      if (msBeforeNext > 0)
        await own.set(name, consumedPoints + (unsent.get(name) ?? 0), msBeforeNext / 1000);
    } catch {
      // Redis is away: what this process has counted still holds here.
    }
  }

  const syncing =
    shared &&
    setInterval(() => {
      const counts = [...unsent];
      unsent.clear();
      for (const [name, count] of counts) void send(shared, name, count);
    }, syncMs).unref();

  return {
    async count(rate, counted) {
      const { policy, of, perMinute } = rate;
      if (perMinute <= 0 || of === undefined) return;
      const name = `${policy}:${of}`;
      const { consumedPoints, msBeforeNext } = await own.penalty(name);
      if (shared) unsent.set(name, (unsent.get(name) ?? 0) + 1);
      const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
      counted.push({ rate, left: Math.max(0, perMinute - consumedPoints), seconds });
      if (consumedPoints > perMinute)
        throw rateLimited(
          `Too many requests: ${String(perMinute)} a minute are allowed for this ${policy}.`,
          seconds,
        );
    },
    close() {
      clearInterval(syncing);
    },
  };
}

/** Tells a caller what is left of its rates. */
export function tellRates(response: ServerResponse, counted: readonly Left[]): void {
  if (counted.length === 0) return;
  let policies = '';
  let lefts = '';
  for (const { rate, left, seconds } of counted) {
    const { policy, perMinute } = rate;
    if (policies !== '') {
      policies += ', ';
      lefts += ', ';
    }
    policies += `"${policy}";q=${String(perMinute)};w=${String(windowSeconds)}`;
    lefts += `"${policy}";r=${String(left)};t=${String(seconds)}`;
  }
  response.setHeader('RateLimit-Policy', policies);
  response.setHeader('RateLimit', lefts);
}

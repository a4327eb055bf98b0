import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible';
import { rateLimited } from '../kernel/errors';

declare module '../kernel/context' {
  interface Services {
    attempts: Attempts;
  }
}

export interface Attempts {
  /**
   * Lets a guess be checked that counts under all of these names when it is wrong, which is when `check` gives undefined.
   * @throws RATE_LIMITED, without checking, after ten wrong ones in five minutes under any of the names.
   */
  guess<T>(names: readonly string[], check: () => Promise<T | undefined>): Promise<T | undefined>;
}

const wrongAllowed = 10;
const window = { keyPrefix: 'aether:wrong', points: wrongAllowed, duration: 300 };

/** Counts wrong guesses in Redis, for all processes; without it, or while it is away, in this process. */
export function createAttempts(redis?: Redis): Attempts {
  const memory = new RateLimiterMemory(window);
  const counters = redis
    ? new RateLimiterRedis({
        ...window,
        storeClient: redis,
        rejectIfRedisNotReady: true,
        insuranceLimiter: memory,
      })
    : memory;

  async function refuseLocked(names: readonly string[]): Promise<void> {
    const waits = await Promise.all(
      names.map(async (name) => {
        const state = await counters.get(name);
        return state && state.consumedPoints >= wrongAllowed ? Math.max(1, state.msBeforeNext) : 0;
      }),
    );
    const wait = Math.max(...waits);
    if (wait > 0) throw rateLimited('Too many wrong tries: wait.', Math.ceil(wait / 1000));
  }

  return {
    async guess(names, check) {
      await refuseLocked(names);
      return inTurn([...names].sort(), async () => {
        await refuseLocked(names);
        const found = await check();
        if (found === undefined) await Promise.all(names.map((name) => counters.penalty(name)));
        return found;
      });
    },
  };
}

const turns = new Map<string, Promise<unknown>>();

/**
 * One after another under each name: of guesses that come at once none is checked before those before it are counted. All take
 * their names in one order, so that no two wait for each other.
 */
function inTurn<T>([name, ...others]: readonly string[], work: () => Promise<T>): Promise<T> {
  if (name === undefined) return work();
  const before = turns.get(name) ?? Promise.resolve();
  const mine = before.then(() => inTurn(others, work));
  const settled = mine.then(
    () => undefined,
    () => undefined,
  );
  turns.set(name, settled);
  void settled.then(() => {
    if (turns.get(name) === settled) turns.delete(name);
  });
  return mine;
}

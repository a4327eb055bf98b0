import { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { unavailable } from './kernel/errors';

/**
 * A small shared memory with expiry, and a way to tell other processes of a change.
 * Redis when configured, else this process alone. Values are text.
 */
export interface Cache {
  readonly kind: 'redis' | 'memory';
  /** The connection itself, for libraries that bring their own commands. */
  readonly redis?: Redis;
  get(key: string): Promise<string | null>;
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
  /** Sets what is not there yet; of several who try at once, in whatever process, one is told that it did. */
  add(key: string, value: string, ttlSeconds: number): Promise<boolean>;
  delete(key: string): Promise<void>;
  /** Tells every process, this one included, that `message` happened on `channel`. */
  publish(channel: string, message: string): Promise<void>;
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Texts kept in this process at most, and the characters in them. */
const memoryBounds = { max: 20_000, maxSize: 64 * 1024 ** 2 };

/** A cache of this process alone: bounded, the entry unused for longest goes first. */
export function openMemoryCache(): Cache {
  const texts = new LRUCache<string, string>({
    ...memoryBounds,
    sizeCalculation: (text, key) => text.length + key.length + 1,
  });
  const listeners = new Listeners();
  return {
    kind: 'memory',
    get: async (key) => texts.get(key) ?? null,
    set: async (key, value, ttlSeconds) => {
      if (ttlSeconds > 0) texts.set(key, value, { ttl: milliseconds(ttlSeconds) });
      else texts.delete(key);
    },
    add: async (key, value, ttlSeconds) => {
      if (texts.has(key)) return false;
      texts.set(key, value, { ttl: milliseconds(ttlSeconds) });
      return true;
    },
    delete: async (key) => {
      texts.delete(key);
    },
    publish: async (channel, message) => {
      // Later, as from another process: a listener that throws is not the publisher's fault.
      queueMicrotask(() => listeners.tell(channel, message));
    },
    subscribe: async (channel, listener) => {
      listeners.add(channel, listener);
    },
    ping: async () => {},
    close: async () => {
      listeners.clear();
      texts.clear();
    },
  };
}

/** How long a caller waits for Redis, be it slow or away. */
const redisTimeoutMs = 1000;

/**
 * A cache that processes share, in the Redis at `url`. Every method throws AetherError UNAVAILABLE within about a second while
 * Redis is away, and works again by itself when it is back; subscriptions too, but what was published meanwhile is lost.
 * Whoever gives keys and channels their names keeps them apart from those of other programs.
 */
export function openRedisCache(url: string): Cache {
  const redis = new Redis(url, {
    connectTimeout: redisTimeoutMs,
    commandTimeout: redisTimeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, redisTimeoutMs),
  });
  redis.on('error', ignoreEvent);
  const listeners = new Listeners();
  // A connection that subscribes can do nothing else.
  let subscriber: Redis | undefined;

  function connectSubscriber(): Redis {
    const client = redis.duplicate();
    client.on('error', ignoreEvent);
    client.on('message', (channel: string, message: string) => listeners.tell(channel, message));
    return client;
  }

  return {
    kind: 'redis',
    redis,
    get: (key) => reached(redis.get(key)),
    set: async (key, value, ttlSeconds) => {
      if (ttlSeconds > 0) await reached(redis.set(key, value, 'PX', milliseconds(ttlSeconds)));
      else await reached(redis.del(key));
    },
    add: async (key, value, ttlSeconds) =>
      (await reached(redis.set(key, value, 'PX', milliseconds(ttlSeconds), 'NX'))) === 'OK',
    delete: async (key) => {
      await reached(redis.del(key));
    },
    publish: async (channel, message) => {
      await reached(redis.publish(channel, message));
    },
    subscribe: async (channel, listener) => {
      await reached((subscriber ??= connectSubscriber()).subscribe(channel));
      listeners.add(channel, listener);
    },
    ping: async () => {
      await reached(redis.ping());
    },
    close: async () => {
      listeners.clear();
      await Promise.all([redis, ...(subscriber ? [subscriber] : [])].map(quit));
    },
  };
}

/** The command that fails tells; without a listener the event would end the process. */
const ignoreEvent = () => {};

async function reached<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw unavailable('The cache cannot be reached.', 2, error);
  }
}

async function quit(client: Redis): Promise<void> {
  try {
    if (client.status === 'ready') await client.quit();
  } catch {
    // It went away at the same moment: closed is what was wanted.
  }
  client.disconnect();
}

const milliseconds = (seconds: number): number => Math.max(1, Math.round(seconds * 1000));

class Listeners {
  private readonly byChannel = new Map<string, ((message: string) => void)[]>();

  add(channel: string, listener: (message: string) => void): void {
    this.byChannel.set(channel, [...(this.byChannel.get(channel) ?? []), listener]);
  }

  tell(channel: string, message: string): void {
    for (const listener of this.byChannel.get(channel) ?? []) listener(message);
  }

  clear(): void {
    this.byChannel.clear();
  }
}

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openMemoryCache, openRedisCache, type Cache } from '../../src/cache';
import { describeWithRedis, redisServer } from '../support/jest-target';
import { startPrivateRedis } from '../support/servers';

/** Waits for what comes by itself, a second at most. */
async function eventually(check: () => unknown): Promise<void> {
  for (let tries = 0; tries < 100 && !(await check()); tries += 1) await sleep(20);
}

function behavesAsCache(open: () => Cache): void {
  let cache: Cache;
  const key = () => `test:${randomUUID()}`;
  beforeAll(() => {
    cache = open();
  });
  afterAll(() => cache.close());

  test('gives back what was set, until it is deleted', async () => {
    const name = key();
    expect(await cache.get(name)).toBeNull();
    await cache.set(name, 'Zoë 😀', 10);
    await cache.set(`${name}:empty`, '', 10);
    expect(await cache.get(name)).toBe('Zoë 😀');
    expect(await cache.get(`${name}:empty`)).toBe('');
    await cache.delete(name);
    expect(await cache.get(name)).toBeNull();
  });

  test('forgets when the time is up, counted from the last set', async () => {
    const [short, renewed, zero] = [key(), key(), key()];
    await cache.set(short, 'a', 0.2);
    await cache.set(renewed, 'a', 0.2);
    await cache.set(zero, 'a', 10);
    await cache.set(zero, 'b', 0);
    expect(await cache.get(zero)).toBeNull();
    await sleep(120);
    await cache.set(renewed, 'b', 0.2);
    await sleep(120);
    expect(await cache.get(short)).toBeNull();
    expect(await cache.get(renewed)).toBe('b');
  });

  test('adds what is not there, for one of those who try at once', async () => {
    const name = key();
    const tries = await Promise.all([...Array(20).keys()].map((n) => cache.add(name, String(n), 0.2)));
    expect(tries.filter(Boolean)).toHaveLength(1);
    expect(await cache.get(name)).toBe(String(tries.indexOf(true)));
    expect(await cache.add(name, 'late', 10)).toBe(false);
    await sleep(250);
    expect(await cache.add(name, 'after its time', 10)).toBe(true);
    expect(await cache.get(name)).toBe('after its time');
  });

  test('tells every listener of a channel, and of no other', async () => {
    const [channel, other] = [key(), key()];
    const heard: string[] = [];
    await cache.subscribe(channel, (message) => heard.push(`first ${message}`));
    await cache.subscribe(channel, (message) => heard.push(`second ${message}`));
    await cache.subscribe(other, (message) => heard.push(`other ${message}`));
    await cache.publish(channel, '{"id":1}');
    await eventually(() => heard.length === 2);
    await sleep(20);
    expect(heard.sort()).toEqual(['first {"id":1}', 'second {"id":1}']);
  });

  test('goes on giving values while it listens', async () => {
    await cache.subscribe(key(), () => {});
    await cache.ping();
    expect(await cache.get(key())).toBeNull();
  });
}

describe('The cache in memory', () => {
  behavesAsCache(openMemoryCache);

  test('lets go of the entry unused for longest when it is full', async () => {
    const cache = openMemoryCache();
    const large = 'x'.repeat(1024 ** 2);
    for (let i = 0; i < 70; i += 1) {
      await cache.set(`${i}`, large, 60);
      await cache.get('0');
    }
    expect(await cache.get('0')).toBe(large);
    expect(await cache.get('1')).toBeNull();
    expect(await cache.get('69')).toBe(large);
    await cache.close();
  });
});

describeWithRedis('The cache in Redis', () => {
  behavesAsCache(() => openRedisCache(redisServer!));

  test('shares values and messages between processes', async () => {
    const [one, two] = [openRedisCache(redisServer!), openRedisCache(redisServer!)];
    const name = `test:${randomUUID()}`;
    const heard: string[] = [];
    await two.subscribe(name, (message) => heard.push(message));
    await one.set(name, 'shared', 5);
    await one.publish(name, 'told');
    expect(await two.get(name)).toBe('shared');
    await eventually(() => heard.length > 0);
    expect(heard).toEqual(['told']);
    await Promise.all([one.close(), two.close()]);
  });

  test('is unavailable soon after Redis went, and works again when it is back, listeners too', async () => {
    const first = (await startPrivateRedis())!;
    const cache = openRedisCache(first.url);
    const heard: string[] = [];
    await cache.subscribe('news', (message) => heard.push(message));
    await cache.set('a', '1', 60);
    await first.stop();

    const start = Date.now();
    await expect(cache.get('a')).rejects.toMatchObject({ code: 'UNAVAILABLE', details: { retryAfter: 2 } });
    await expect(cache.publish('news', 'lost')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(cache.subscribe('more', () => {})).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(Date.now() - start).toBeLessThan(3500);

    const second = (await startPrivateRedis({ port: Number(new URL(first.url).port) }))!;
    await eventually(() =>
      cache.ping().then(
        () => true,
        () => false,
      ),
    );
    expect(await cache.get('a')).toBeNull();
    await eventually(() => cache.publish('news', 'back').then(() => heard.length > 0));
    expect(heard).toContain('back');
    expect(heard).not.toContain('lost');
    await cache.close();
    await second.stop();
  });

  test('that is not there at the start is unavailable, until it comes', async () => {
    const server = (await startPrivateRedis())!;
    await server.stop();
    const cache = openRedisCache(server.url);
    await expect(cache.ping()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const late = (await startPrivateRedis({ port: Number(new URL(server.url).port) }))!;
    await eventually(() =>
      cache.ping().then(
        () => true,
        () => false,
      ),
    );
    await cache.set('a', '1', 5);
    expect(await cache.get('a')).toBe('1');
    await cache.close();
    await late.stop();
  });

  test('closes at once when Redis is away', async () => {
    const cache = openRedisCache('redis://127.0.0.1:1');
    const start = Date.now();
    await cache.close();
    expect(Date.now() - start).toBeLessThan(500);
  });
});

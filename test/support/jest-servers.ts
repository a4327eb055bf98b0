import { startMariadb, startRedis } from './servers';

const running: { stop(): Promise<void> }[] = [];

/**
 * Starts one private MariaDB and one private Redis for the whole run. Workers inherit their addresses as
 * TEST_MARIADB_SERVER and TEST_REDIS_SERVER; a name stays unset when its server is not installed.
 */
export default async function startServers(): Promise<void> {
  delete process.env.TEST_MARIADB_SERVER;
  delete process.env.TEST_REDIS_SERVER;
  try {
    const mariadb = await startMariadb();
    if (mariadb) {
      running.push(mariadb);
      process.env.TEST_MARIADB_SERVER = mariadb.url;
    }
    const redis = await startRedis();
    if (redis) {
      running.push(redis);
      process.env.TEST_REDIS_SERVER = redis.url;
    }
  } catch (error) {
    // Jest does not come to its teardown then.
    await stopServers();
    throw error;
  }
}

export async function stopServers(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.stop()));
}

import { stopServers } from './jest-servers';

/** Jest keeps the module that started them, so its list of servers is still there. */
export default async function stop(): Promise<void> {
  await stopServers();
  // Here, because nothing is printed after it.
  if (!process.env.TEST_MARIADB_SERVER) console.error('MariaDB part did not run: no mariadbd on PATH');
  if (!process.env.TEST_REDIS_SERVER) console.error('Redis part did not run: no redis-server on PATH');
}

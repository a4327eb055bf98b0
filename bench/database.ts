import { createConnection } from 'mariadb';
import { startMariadb } from '../test/support/servers';

export interface BenchDatabase {
  /** Of an empty database. */
  url: string;
  version: string;
  stop(): Promise<void>;
}

/**
 * A new database on the server that BENCH_DATABASE_URL names, else on a private MariaDB in a folder of its own; gone after `stop`.
 * @throws Error when no MariaDB is installed.
 */
export async function openBenchDatabase(): Promise<BenchDatabase> {
  process.env.TEST_DATABASE_URL = process.env.BENCH_DATABASE_URL ?? '';
  const server = await startMariadb();
  if (!server)
    throw new Error('The bench needs MariaDB: install mariadb-server, or name one in BENCH_DATABASE_URL.');
  const connection = await createConnection(server.url);
  const [row] = await connection.query<{ version: string }[]>('SELECT VERSION() AS version');
  await connection.end();
  return { url: server.url, version: row?.version.replace(/-.*/, '') ?? '', stop: () => server.stop() };
}

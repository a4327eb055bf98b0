import type { Connection, QueryOptions } from 'mariadb';
import { ConnectionAcquireTimeoutError, type Transaction } from 'sequelize';
import { Sequelize } from 'sequelize-typescript';
import type { Bindable, Engine } from './database';

/** The parts of Sequelize that its types leave out: its pool, and a transaction's connection. */
interface ConnectionPool {
  acquire(): Promise<Connection>;
  release(connection: Connection): void;
}
interface Connected {
  connection?: Connection;
  finished?: string;
}

const acquireMs = 2000;

/**
 * Statements with more values than this are sent as text: their texts differ by the length of a list, and each text would cost
 * a prepared statement on every connection.
 */
const maxPreparedValues = 8;

/** Prepared statements kept per connection; the server keeps at most 16382 over all of its clients. */
const preparedPerConnection = 128;

const tooManyPrepared = 1461;

/** DATETIME and JSON stay text, and Sequelize's function per value (`typeCast`, whose type omits "none") is left out. */
const asText = {
  typeCast: false,
  dateStrings: true,
  jsonStrings: true,
  autoJsonMap: false,
} as unknown as QueryOptions;

/** MariaDB through Sequelize; reads go to the connector on a connection of the same pool. */
export function openMariadb(url: string, poolMax: number, countStatement: () => void): Engine {
  const sequelize = new Sequelize(url, {
    dialect: 'mariadb',
    timezone: '+00:00',
    logging: countStatement,
    retry: { max: 1 },
    pool: { max: poolMax, min: 0, acquire: acquireMs, idle: 60_000, evict: 10_000 },
    dialectOptions: {
      connectTimeout: 1500,
      collation: 'UTF8MB4_UNICODE_CI',
      // Ids and counts as numbers, an unsafe BIGINT as an error, DECIMAL as the nearest double.
      supportBigNumbers: false,
      insertIdAsNumber: true,
      bigIntAsNumber: true,
      checkNumberRange: true,
      decimalAsNumber: true,
      // An update that changes nothing still found its row, as on SQLite.
      foundRows: true,
      prepareCacheLength: preparedPerConnection,
      // Who has waited for a lock sees what the one before has written, not what was there when the transaction began.
      initSql: 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
      sessionVariables: {
        // Values are escaped with backslashes where they are not bound, so NO_BACKSLASH_ESCAPES must stay out.
        sql_mode: 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',
        innodb_lock_wait_timeout: 3,
      },
    },
  });
  const { pool } = sequelize.connectionManager as unknown as { pool: ConnectionPool };

  return {
    dialect: 'mariadb',
    sequelize,
    async rows(sql, values, tx) {
      if (tx) return send(connectionOf(tx), sql, values);
      const connection = await acquire(pool);
      try {
        return await send(connection, sql, values);
      } finally {
        pool.release(connection);
      }
    },
    close: () => sequelize.close(),
  };
}

async function acquire(pool: ConnectionPool): Promise<Connection> {
  try {
    return await pool.acquire();
  } catch (error) {
    // The pool's error has no name of its own. Sequelize's `getConnection` would tell, at a tenth of a read's cost.
    if (error instanceof Error && error.constructor.name === 'TimeoutError')
      throw new ConnectionAcquireTimeoutError(error);
    throw error;
  }
}

function connectionOf(tx: Transaction): Connection {
  const { connection, finished } = tx as unknown as Connected;
  if (!connection || finished)
    throw new Error('The transaction has ended; its connection is no longer its own.');
  return connection;
}

async function send(connection: Connection, sql: string, values: readonly Bindable[]): Promise<unknown[]> {
  const statement = { ...asText, sql };
  if (values.length > maxPreparedValues) return connection.query<unknown[]>(statement, values);
  try {
    return await connection.execute<unknown[]>(statement, values);
  } catch (error) {
    if ((error as { errno?: number }).errno !== tooManyPrepared) throw error;
    return connection.query<unknown[]>(statement, values);
  }
}

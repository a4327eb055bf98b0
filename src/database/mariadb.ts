import type { Connection, FieldInfo, QueryOptions } from 'mariadb';
import { ConnectionAcquireTimeoutError, type Transaction } from 'sequelize';
import { Sequelize } from 'sequelize-typescript';
import { withBytes, type Bindable, type Engine } from './database';

/** The parts of Sequelize that its types leave out: its pool, and a transaction's connection. */
interface ConnectionPool {
  acquire(): Promise<Connection>;
  release(connection: Connection): void;
  destroy(connection: Connection): Promise<void>;
  destroyAllNow(): Promise<void>;
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

/**
 * DATETIME and JSON stay text, and Sequelize's function per value (`typeCast`, whose type omits "none") is left out. One number that
 * is too large does not cost the whole answer.
 */
const asText = {
  checkNumberRange: false,
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
    async unchecked(work) {
      const connection = await acquire(pool);
      try {
        await connection.query(
          "SET SESSION sql_mode = 'ALLOW_INVALID_DATES', check_constraint_checks = 0, foreign_key_checks = 0, innodb_lock_wait_timeout = 30",
        );
        await connection.beginTransaction();
        const answer = await work({
          rows: (sql, values) => connection.query({ ...asText, sql }, values),
          run: async (sql, values) => {
            await connection.query(sql, values);
          },
        });
        await connection.commit();
        return answer;
      } finally {
        // With it goes what was not committed, and its settings.
        await pool.destroy(connection);
      }
    },
    async limit(ms) {
      sequelize.addHook('afterConnect', async (connection) => {
        await (connection as Connection).query(`SET SESSION max_statement_time = ${String(ms / 1000)}`);
      });
      await pool.destroyAllNow();
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
  const rows = await answered(connection, statement, values);
  if (rows.meta?.some(isBinary)) withBytes.add(rows);
  return rows;
}

/** What was no question is answered without columns. */
type Answer = unknown[] & { meta?: FieldInfo[] };

async function answered(
  connection: Connection,
  statement: QueryOptions,
  values: readonly Bindable[],
): Promise<Answer> {
  if (values.length > maxPreparedValues) return connection.query<Answer>(statement, values);
  try {
    return await connection.execute<Answer>(statement, values);
  } catch (error) {
    if ((error as { errno?: number }).errno !== tooManyPrepared) throw error;
    return connection.query<Answer>(statement, values);
  }
}

/** Numbers and moments have the collation of bytes too. */
const isBinary = ({ type, collation }: FieldInfo): boolean =>
  collation.index === 63 && /BLOB|STRING|VARCHAR|VAR_STRING|BIT|GEOMETRY/.test(type);

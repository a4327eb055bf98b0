import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DataTypes, Transaction } from 'sequelize';
import { Sequelize } from 'sequelize-typescript';
import type { Bindable, Engine } from './database';
import { SqliteFile } from './sqlite-file';
import { connectionOf, sqliteModule } from './sqlite-module';

/** The embedded database `<dataDir>/aether.sqlite`, made when it is not there. */
export function openSqlite(dataDir: string, countStatement: () => void): Engine {
  mkdirSync(dataDir, { recursive: true });
  const file = new SqliteFile(join(dataDir, 'aether.sqlite'));
  adaptTypes();
  const sequelize = new Sequelize({
    dialect: 'sqlite',
    dialectModule: sqliteModule(file),
    storage: file.path,
    timezone: '+00:00',
    logging: countStatement,
    // A deferred transaction that reads and then writes cannot wait for a lock: it fails at once.
    transactionType: Transaction.TYPES.IMMEDIATE,
    retry: { max: 1 },
  });
  const connections = sequelize.connectionManager as unknown as {
    releaseConnection(connection: unknown, force: boolean): void;
    destroyConnection(connection: unknown): Promise<void>;
  };
  // Sequelize's own looks for a pool, which it does not have for SQLite.
  connections.destroyConnection = async (connection) => connections.releaseConnection(connection, true);

  const reader = file.take();
  // A write here would pass by the line that writes wait in.
  reader.all('PRAGMA query_only = ON', []);
  return {
    dialect: 'sqlite',
    sequelize,
    rows: async (sql, values, tx) => {
      const handle = tx ? connectionOf(tx) : reader;
      return file.whenFree(() => handle.all(sql, values));
    },
    async unchecked(work) {
      await file.writes.enter();
      const handle = file.take();
      try {
        handle.all('PRAGMA foreign_keys = OFF', []);
        handle.all('PRAGMA ignore_check_constraints = ON', []);
        await file.whenFree(() => handle.run('BEGIN IMMEDIATE', []));
        const answer = await work({
          rows: async <T>(sql: string, values: readonly Bindable[] = []) => handle.all(sql, values) as T[],
          run: async (sql, values = []) => {
            handle.run(sql, values);
          },
        });
        await file.whenFree(() => handle.run('COMMIT', []));
        return answer;
      } finally {
        if (handle.inTransaction) handle.run('ROLLBACK', []);
        handle.all('PRAGMA ignore_check_constraints = OFF', []);
        handle.all('PRAGMA foreign_keys = ON', []);
        file.give(handle);
        file.writes.leave();
      }
    },
    limit: () => Promise.resolve(),
    close: async () => {
      await sequelize.close();
      reader.close();
      file.close();
    },
  };
}

/** Makes Sequelize store what compares as text: moments without ` +00:00`. JSON's column type is ours, see tables.ts. */
function adaptTypes(): void {
  const { DATE, JSON } = (DataTypes as unknown as { sqlite: Record<'DATE' | 'JSON', SqliteType> }).sqlite;
  DATE.prototype._stringify = (date: Date) => {
    const text = new Date(date).toISOString();
    return `${text.slice(0, 10)} ${text.slice(11, 23)}`;
  };
  const types = JSON.types.sqlite;
  if (!types.includes('JSON TEXT')) types.push('JSON TEXT');
}

interface SqliteType {
  prototype: { _stringify?: (value: Date) => string };
  types: { sqlite: string[] };
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { Transaction } from 'sequelize';
import type { ModelCtor } from 'sequelize-typescript';
import type { Bindable, Database } from './database';
import { compareTables } from './existing';
import { fitModels, fitTo, watchModels, type Fit } from './fit';
import { isLockConflict, translateDatabaseError } from './errors';
import { openMariadb } from './mariadb';
import { openSqlite } from './sqlite';

export interface DatabaseOptions {
  /** `mariadb://user:password@host:port/database`; without it the embedded database in `dataDir` is used. */
  url?: string;
  dataDir: string;
  /** Connections to MariaDB at most. */
  poolMax: number;
}

const maxAttempts = 5;
const retryForMs = 10_000;
const noValues: readonly Bindable[] = [];

/**
 * Opens the database. The embedded one is created when it is not there; MariaDB is first spoken to by the first statement, so
 * `ping()` tells whether it is there.
 */
export async function openDatabase(options: DatabaseOptions, models: ModelCtor[] = []): Promise<Database> {
  let statements = 0;
  const countStatement = () => {
    statements += 1;
  };
  const { url, dataDir, poolMax } = options;
  const engine = url ? openMariadb(url, poolMax, countStatement) : openSqlite(dataDir, countStatement);
  const { dialect, sequelize } = engine;
  sequelize.addModels(models);
  watchModels(sequelize);
  let fit: Fit | undefined;
  let closing: Promise<void> | undefined;

  const database: Database = {
    dialect,
    sequelize,
    get statements() {
      return statements;
    },

    async select<T>(sql: string, values = noValues, tx?: Transaction) {
      statements += 1;
      try {
        return (await engine.rows(fit?.read(sql) ?? sql, values, tx)) as T[];
      } catch (error) {
        throw translateDatabaseError(error) ?? error;
      }
    },

    async fit(tables) {
      fit = undefined;
      const { differences, shapes } = await compareTables(database, tables);
      fit = shapes.size > 0 ? fitTo(dialect, shapes) : undefined;
      fitModels(sequelize, fit);
      return differences;
    },

    keeps: (table, column) => fit?.keeps(table, column) ?? true,

    repeats: (table, column) => fit?.repeats(table, column) ?? false,

    row: (table, values) => fit?.row(table, values, { isNew: false }) ?? values,

    async stored<T>(sql: string, values = noValues) {
      statements += 1;
      try {
        return (await engine.rows(sql, values)) as T[];
      } catch (error) {
        throw translateDatabaseError(error) ?? error;
      }
    },

    async transaction(work) {
      const start = Date.now();
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await sequelize.transaction(work);
        } catch (error) {
          const mayRetry = attempt < maxAttempts && Date.now() - start < retryForMs;
          if (!mayRetry || !isLockConflict(error)) throw translateDatabaseError(error) ?? error;
          // Both sides of a conflict come back at once: jitter keeps them from meeting again.
          await sleep(Math.random() * 10 * 2 ** attempt);
        }
      }
    },

    async unchecked(work) {
      try {
        return await engine.unchecked(work);
      } catch (error) {
        throw translateDatabaseError(error) ?? error;
      }
    },

    limit: (ms) => engine.limit(ms),

    async ping() {
      await database.select('SELECT 1');
    },

    close: () => (closing ??= engine.close()),
  };
  return database;
}

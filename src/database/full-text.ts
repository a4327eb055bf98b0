import { AetherError } from '../kernel/errors';
import type { Database } from './database';

/*
 * MariaDB's full-text index, made to lead to rows of one account alone, and to miss none of them. Its words are those of a text, each
 * with the number of the account before it, `17xhopper`: a word that half of all accounts' rows hold costs no more than the rows of
 * one account, none is too short to be indexed, and none is a stop word.
 */

/** The column beside a text that holds its words with the account's number. */
export const indexedWords = (column: string): string => `${column}_words`;

/** What that column is made of: a text in which one space stands between words. */
export const indexedWordsSql = (account: string, column: string): string =>
  `replace(concat(' ', ${column}), ' ', concat(' ', ${account}, 'x'))`;

/** A question of the index's language is no longer than this; the longest words tell most. */
const maxWords = 8;

/**
 * What to ask the index for, to come to all rows of an account that hold such words; undefined when it cannot tell. Only letters
 * and digits that are beyond doubt: what else is part of a word, MariaDB decides otherwise.
 */
export function indexQuestion(account: number, words: string[]): string | undefined {
  const told = words.filter((word) => /^[a-z0-9]+$/.test(word)).sort((a, b) => b.length - a.length);
  return told.length === 0
    ? undefined
    : told
        .slice(0, maxWords)
        .map((word) => `+${String(account)}x${word}*`)
        .join(' ');
}

/**
 * The tables whose column has such an index. A server that indexes only long words, or not all of them, has none to go by; nor has a
 * table that is read otherwise than it is, see fit.ts.
 */
export async function tablesWithIndexedWords(
  database: Database,
  column: string,
): Promise<ReadonlySet<string>> {
  if (database.dialect !== 'mariadb') return new Set();
  const rows = await database.select<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.statistics
     WHERE table_schema = DATABASE() AND index_type = 'FULLTEXT' AND column_name = ?
       AND @@innodb_ft_min_token_size <= 3 AND @@innodb_ft_max_token_size >= 84`,
    [indexedWords(column)],
  );
  const tables = new Set<string>();
  for (const { name } of rows) if (await canBeAsked(database, name, column)) tables.add(name);
  return tables;
}

async function canBeAsked(database: Database, table: string, column: string): Promise<boolean> {
  try {
    await database.select(
      `SELECT t.id FROM \`${table}\` t WHERE MATCH (t.\`${indexedWords(column)}\`) AGAINST ('+0x*' IN BOOLEAN MODE) LIMIT 1`,
    );
    return true;
  } catch (error) {
    if (error instanceof AetherError && error.code === 'DATABASE_SCHEMA') return false;
    throw error;
  }
}

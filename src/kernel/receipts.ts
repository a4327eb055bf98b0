import type { Transaction } from 'sequelize';
import type { Database } from '../database/database';
import type { TableSpec } from '../database/tables';
import { AetherError } from './errors';
import { databaseFromDate } from './scalars';

/*
 * Receipts of requests that are done once, however often they come: written by the transaction that did it, so that whoever asks again
 * learns of it even when the server died before it could answer.
 */

export const receiptTables: TableSpec[] = [
  {
    name: 'write_receipt',
    columns: {
      id: { type: 'id' },
      /** Digest of who sent it, where to, and of the key that it came with. */
      name: { type: 'token', max: 64 },
      /** Digest of what it said. */
      request: { type: 'token', max: 64 },
      /** What it made. */
      object_id: { type: 'token', max: 22 },
      /** What it was answered; null when its server did not come to that. */
      answer: { type: 'longtext', nullable: true },
      at: { type: 'datetime' },
    },
    indexes: [{ columns: ['name'], unique: true }, { columns: ['at'] }],
  },
];

/** What the transaction of a request leaves behind. */
export interface Receipt {
  name: string;
  request: string;
}

export interface KeptReceipt extends Receipt {
  objectId: string;
  answer: string | null;
}

/** How long a request is remembered. */
export const receiptMs = 24 * 3_600_000;

/** @throws CONFLICT, which passes, when another request of this name has just been done. */
export async function writeReceipt(
  database: Database,
  { name, request }: Receipt,
  { objectId, now, tx }: { objectId: string; now: Date; tx: Transaction },
): Promise<void> {
  const expired = databaseFromDate(new Date(now.getTime() - receiptMs));
  await database.select('DELETE FROM write_receipt WHERE name = ? AND at < ?', [name, expired], tx);
  try {
    await database.select(
      'INSERT INTO write_receipt (name, request, object_id, at) VALUES (?, ?, ?, ?)',
      [name, request, objectId, databaseFromDate(now)],
      tx,
    );
  } catch (error) {
    if (error instanceof AetherError && error.code === 'DATABASE_DUPLICATE')
      throw new AetherError('CONFLICT', 'The same request is being answered.', { retryAfter: 1 });
    throw error;
  }
}

export async function findReceipt(
  database: Database,
  name: string,
  now: Date,
): Promise<KeptReceipt | undefined> {
  const [row] = await database.select<KeptReceipt>(
    'SELECT name, request, object_id AS objectId, answer FROM write_receipt WHERE name = ? AND at >= ?',
    [name, databaseFromDate(new Date(now.getTime() - receiptMs))],
  );
  return row;
}

export async function keepAnswer(database: Database, name: string, answer: string): Promise<void> {
  await database.transaction((tx) =>
    database.select('UPDATE write_receipt SET answer = ? WHERE name = ?', [answer, name], tx),
  );
}

export async function pruneReceipts(database: Database, now: Date): Promise<void> {
  const expired = databaseFromDate(new Date(now.getTime() - receiptMs));
  await database.transaction((tx) =>
    database.select('DELETE FROM write_receipt WHERE at < ?', [expired], tx),
  );
}

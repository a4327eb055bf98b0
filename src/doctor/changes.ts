import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Bindable, Database, Session } from '../database/database';
import { tableNames } from '../database/catalog';
import { recordChanges } from '../kernel/changes';
import { entityOf, findEntity } from '../kernel/entity';
import type { Finding } from './problems';

/** One line of a file of changes: what a value was, and what it becomes. */
export interface Change {
  table: string;
  pk: number;
  column: string;
  before: Bindable;
  after: Bindable;
}

/** A file that is on disk, whole, before the first value that it names changes. */
export class ChangeFile {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /** Readable to its owner alone, since it may hold what nobody else should see. @throws when the file is there already. */
  static async create(path: string): Promise<ChangeFile> {
    return new ChangeFile(path, await open(path, 'wx', 0o600));
  }

  async add(findings: Finding[]): Promise<void> {
    const lines = findings.flatMap(({ table, pk, column, repair }) =>
      repair ? [`${JSON.stringify({ table, pk, column, ...spelled(repair) })}\n`] : [],
    );
    if (lines.length > 0) await this.handle.appendFile(lines.join(''));
  }

  /** Resolves when a power cut would not lose it. */
  async close(): Promise<void> {
    await this.handle.sync();
    await this.handle.close();
    const folder = await open(dirname(this.path), 'r');
    await folder.sync();
    await folder.close();
  }
}

const spelled = ({ before, after }: { before: Bindable; after: Bindable }) => ({
  before: before instanceof Uint8Array ? { base64: Buffer.from(before).toString('base64') } : before,
  after,
});

const value = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.object({ base64: z.base64() }).transform(({ base64 }) => new Uint8Array(Buffer.from(base64, 'base64'))),
]);
const line = z.object({
  table: z.string(),
  pk: z.number().int(),
  column: z.string(),
  before: value,
  after: value,
});

/** @throws Error naming the first line that is no change of ours. */
async function* readChanges(path: string): AsyncGenerator<Change> {
  let number = 0;
  for await (const text of createInterface({ input: createReadStream(path) })) {
    number += 1;
    const change = readChange(text);
    if (!change) throw new Error(`${path}, line ${String(number)}: is no change of a table of this product.`);
    yield change;
  }
}

function readChange(text: string): Change | undefined {
  try {
    const change = line.parse(JSON.parse(text));
    const attribute = findEntity(change.table)?.byColumn.get(change.column);
    return attribute && !attribute.sql ? change : undefined;
  } catch {
    return undefined;
  }
}

/** What came of a file of changes. */
export interface Applied {
  changed: number;
  /** Had the wanted value already. */
  already: number;
  /** Were left alone, because somebody else has changed or removed them since. */
  left: number;
  /** The first of these. */
  examples: Omit<Change, 'before' | 'after'>[];
}

const batchSize = 200;
const maxExamples = 20;

/**
 * Makes the changes of a file, or takes them back, in one transaction: each value only where it still is what the file says. Holds
 * the rows that it changes until it ends, on SQLite all writing.
 */
export function apply(database: Database, path: string, direction: 'make' | 'undo'): Promise<Applied> {
  const applied: Applied = { changed: 0, already: 0, left: 0, examples: [] };
  const touched = new Map<string, Set<number>>();
  return database.unchecked(async (session) => {
    let batch: Change[] = [];
    const flush = async (): Promise<void> => {
      if (batch.length > 0) await applyBatch(database, session, batch, direction, applied, touched);
      batch = [];
    };
    for await (const change of readChanges(path)) {
      const [first] = batch;
      const fits = !first || (first.table === change.table && first.column === change.column);
      if (!fits || batch.length === batchSize) await flush();
      batch.push(change);
    }
    await flush();
    await tell(database, session, touched);
    return applied;
  });
}

/** Whoever follows the changes of an account hears of repairs too. */
async function tell(database: Database, session: Session, touched: Map<string, Set<number>>): Promise<void> {
  // No server that keeps a feed has run here yet.
  if (!(await tableNames(database)).has('change_feed')) return;
  const changes = [];
  for (const [table, pks] of touched) {
    const entity = entityOf(table);
    const account =
      entity.tenant === 'self' ? 'id' : database.keeps(table, 'account_id') ? 'account_id' : 'NULL';
    const all = [...pks];
    for (let start = 0; start < all.length; start += batchSize) {
      const some = all.slice(start, start + batchSize);
      const rows = await session.rows<{ pk: number; account: number | null }>(
        `SELECT id AS pk, ${account} AS account FROM \`${table}\` WHERE id IN (${some.map(() => '?').join()})`,
        some,
      );
      changes.push(...rows.map((row) => ({ entity, verb: 'updated' as const, ...row })));
    }
  }
  const rows = (sql: string, values: Bindable[]) => session.rows(sql, values);
  await recordChanges({ dialect: database.dialect, rows }, changes, new Date());
}

/** Changes of one column. */
async function applyBatch(
  { dialect }: Database,
  session: Session,
  batch: Change[],
  direction: 'make' | 'undo',
  applied: Applied,
  touched: Map<string, Set<number>>,
): Promise<void> {
  const { table, column } = batch[0] as Change;
  const rows = await session.rows<{ pk: number; value: Bindable }>(
    `SELECT id AS pk, \`${column}\` AS value FROM \`${table}\` WHERE id IN (${batch.map(() => '?').join()})${
      dialect === 'mariadb' ? ' FOR UPDATE' : ''
    }`,
    batch.map(({ pk }) => pk),
  );
  const held = new Map(rows.map(({ pk, value: current }) => [pk, current]));
  for (const { pk, before, after } of batch) {
    const [from, to] = direction === 'make' ? [before, after] : [after, before];
    const current = held.get(pk);
    if (current !== undefined && isDeepStrictEqual(plain(current), plain(from))) {
      await session.run(`UPDATE \`${table}\` SET \`${column}\` = ? WHERE id = ?`, [to, pk]);
      applied.changed += 1;
      const known = touched.get(table);
      if (known) known.add(pk);
      else touched.set(table, new Set([pk]));
    } else if (current !== undefined && isDeepStrictEqual(plain(current), plain(to))) applied.already += 1;
    else {
      applied.left += 1;
      if (applied.examples.length < maxExamples) applied.examples.push({ table, pk, column });
    }
  }
}

/** Bytes come as a Buffer from one driver, and plain from the other. */
const plain = (each: Bindable): Bindable => (each instanceof Uint8Array ? Uint8Array.from(each) : each);

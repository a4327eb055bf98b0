import { literal, type Transaction } from 'sequelize';
import type { Database } from '../database/database';
import type { Attribute } from './attributes';
import type { Context, Identity, Origin, Services, Viewer } from './context';
import { entityOf, findEntity, type Entity } from './entity';
import { nestsDeeper, type Values } from './input';
import { atLeast } from './levels';
import { newPublicId } from './public-id';
import { databaseFromDate } from './scalars';
import { textsOf } from './search-text';
import { readers } from './stored';
import type { Touched } from './unit-of-work';

/*
 * The activity log: who did what, to what, from where, and what it changed. Its rows are written by the transaction that did it, and
 * by nobody else.
 */

const logTable = 'activity_log';

/** Who reads the log: what they may not read of an object is not in it. */
const reader = 'administrator';

const maxText = 1000;
const maxDepth = 20;

/** Columns that the server keeps; they tell nothing of what was done. */
const kept = new Set(['id', 'accountId', 'createdOn', 'updatedOn', 'defaultQryStr', 'lastSignInOn']);

/** What the log says beside who and what. */
interface Detail {
  /** Values that are different now, or of what is gone, by name in the graph. */
  before?: Record<string, unknown>;
  after?: Record<string, unknown>;
  /** Names of what is different too, and not for every reader. */
  withheld?: string[];
  /** How somebody signed in. */
  method?: string;
  /** Why it was refused. */
  reason?: string;
  /** How often, when it was the same several times. */
  times?: number;
}

/** One line of the log. */
export interface Entry {
  /** Key of the account in which it was done. */
  account: number;
  action: string;
  objectType?: string;
  objectId?: string;
  detail?: Detail;
  from: Origin;
  /** Unknown of a caller who was not let in. */
  viewer?: Viewer;
}

/** A statement of rows with long texts must stay below what MariaDB takes at once. */
const rowsOfStatement = 100;

/** Writes what a transaction has changed. */
export async function recordActivity(
  ctx: Context,
  changes: readonly Touched[],
  tx: Transaction,
): Promise<void> {
  const { viewer, from, services } = ctx;
  const gone = new Set(
    changes.filter(({ verb, entity }) => verb === 'removed' && entity.tenant === 'self').map(({ pk }) => pk),
  );
  const told = changes.flatMap((change) => {
    const { account, entity } = change;
    const belongs = account !== null && account !== 0 && !gone.has(account);
    if (!belongs) ctx.log.info({ type: entity.table }, 'something of no account was changed');
    return belongs && entity.table !== logTable ? [{ ...change, account }] : [];
  });
  if (told.length === 0) return;
  const ids = await referredIds(ctx, told, tx);
  const entries = told.flatMap((change): Entry[] => {
    const { account, verb: action, id, entity } = change;
    const detail = detailOf(change, ids);
    // Nothing but what the server keeps for itself.
    if (action === 'updated' && Object.keys(detail).length === 0) return [];
    return [
      {
        account,
        action,
        objectType: entity.table,
        objectId: id,
        detail,
        from,
        viewer,
      },
    ];
  });
  await insert(entries, services.now(), tx);
}

async function insert(entries: readonly Entry[], now: Date, tx: Transaction): Promise<void> {
  const entity = entityOf(logTable);
  const at = databaseFromDate(now);
  const fallbacks = [...entity.attributes.values()].flatMap(({ name, default: fallback, sql }) =>
    fallback === undefined || sql ? [] : [[name, fallback] as const],
  );
  const rows = entries.map(
    ({ account, action, objectType = null, objectId = null, detail, from, viewer }) => {
      const values: Values = {
        accountId: account,
        action,
        objectType,
        objectId,
        ipAddress: from.address?.slice(0, 100) ?? null,
        userAgent: from.agent?.slice(0, 500) ?? null,
        detailJson: JSON.stringify({ by: byOf(viewer), ...detail }),
      };
      return {
        ...Object.fromEntries(fallbacks),
        ...values,
        ...textsOf(entity, values),
        apiKeyId: ifThere('api_key', viewer?.key),
        userId: ifThere('user', viewer?.user),
        personId: ifThere('person', viewer?.person),
        id: newPublicId(),
        createdOn: at,
        updatedOn: at,
      };
    },
  );
  for (let start = 0; start < rows.length; start += rowsOfStatement)
    await entity.type.bulkCreate(rows.slice(start, start + rowsOfStatement), {
      transaction: tx,
      hooks: false,
      validate: false,
    });
}

/** Who did something may be gone by now, and have done just that. */
const ifThere = (type: string, who: Identity | null | undefined) =>
  who ? literal(`(SELECT w.id FROM \`${type}\` w WHERE w.id = ${String(who.pk)})`) : null;

/** Public ids, for when the objects are gone. */
const byOf = (viewer?: Viewer) => ({
  level: viewer?.isServer ? null : (viewer?.level ?? null),
  ...(viewer && { key: viewer.key.id }),
  ...(viewer?.user && { user: viewer.user.id }),
  ...(viewer?.person && { person: viewer.person.id }),
});

/* ---- what is no write ---- */

/** Notes what was done without a transaction of its own. */
export interface Notes {
  /** Is in the log when it has been flushed; what is the same until then is one line, with how often it was. */
  add(entry: Entry): void;
  /** Writes what is still to be written: called every few seconds, and at the end. */
  flush(): Promise<void>;
}

/** Of more than so many different lines at a time the rest is dropped: nobody fills the database by being refused. */
const maxPending = 1_000;

export function createNotes({ database, log, now }: Pick<Services, 'database' | 'log' | 'now'>): Notes {
  let pending = new Map<string, Entry & { times: number }>();
  let dropped = 0;

  async function flush(): Promise<void> {
    const due = pending;
    pending = new Map();
    if (dropped > 0) log.warn({ dropped }, 'more was refused than the activity log takes in');
    dropped = 0;
    if (due.size === 0) return;
    const told = [...due.values()].map(({ times, ...entry }): Entry => ({
      ...entry,
      ...(times > 1 && { detail: { ...entry.detail, times } }),
    }));
    try {
      const accounts = [...new Set(told.map(({ account }) => account))];
      const there = await database.select<{ pk: number }>(
        `SELECT id AS pk FROM account WHERE id IN (${accounts.map(() => '?').join()})`,
        accounts,
      );
      const isThere = new Set(there.map(({ pk }) => pk));
      const known = told.filter(({ account }) => isThere.has(account));
      await database.transaction((tx) => insert(known, now(), tx));
    } catch (error) {
      log.warn(
        { err: error, lines: told.length },
        'the activity log could not be written: it will be tried again',
      );
      for (const [name, entry] of due) keep(name, entry);
    }
  }

  function keep(name: string, entry: Entry & { times: number }): void {
    const known = pending.get(name);
    if (known) known.times += entry.times;
    else if (pending.size < maxPending) pending.set(name, entry);
    else dropped += entry.times;
  }

  return {
    add(entry) {
      const { viewer, from, ...what } = entry;
      // However a program names itself: else it would fill the log by other names.
      keep(JSON.stringify([what, from.address, byOf(viewer)]), { ...entry, times: 1 });
    },
    flush,
  };
}

type Ids = ReadonlyMap<string, ReadonlyMap<number, string>>;

/** Public ids of all that the values refer to, in one statement a type. */
async function referredIds(
  { services }: Context,
  changes: readonly Touched[],
  tx: Transaction,
): Promise<Ids> {
  const wanted = new Map<string, Set<number>>();
  for (const { entity, before = {}, after = {} } of changes)
    for (const values of [before, after])
      for (const [name, value] of Object.entries(values)) {
        const attribute = entity.attributes.get(name);
        const type = attribute && typeOf(attribute, { ...before, ...values });
        if (type === undefined || typeof value !== 'number') continue;
        const pks = wanted.get(type);
        if (pks) pks.add(value);
        else wanted.set(type, new Set([value]));
      }
  return new Map(
    await Promise.all(
      [...wanted].map(async ([type, pks]) => [type, await services.publicIds.load(type, pks, tx)] as const),
    ),
  );
}

/** The type that a reference leads to. */
function typeOf({ ref, any }: Attribute, values: Values): string | undefined {
  const named = ref?.type ?? (any && String(values[any.typeAttribute]));
  return named !== undefined && findEntity(named) ? named : undefined;
}

function detailOf({ entity, verb, before = {}, after = {} }: Touched, ids: Ids): Detail {
  const withheld = new Set<string>();
  const shown = (values: Values): Record<string, unknown> | undefined => {
    const answer: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(values)) {
      const attribute = entity.attributes.get(name);
      if (!attribute || attribute.sql || attribute.textOf || kept.has(name)) continue;
      // Of what was made, or is gone, only what there was is told.
      if (value == null && verb !== 'updated') continue;
      if (isForReader(entity, attribute))
        answer[name] = valueOf(attribute, value, { ...before, ...values }, ids);
      else withheld.add(name);
    }
    return Object.keys(answer).length > 0 ? answer : undefined;
  };
  const [was, is] = [shown(before), shown(after)];
  return {
    ...(was && { before: was }),
    ...(is && { after: is }),
    ...(withheld.size > 0 && { withheld: [...withheld] }),
  };
}

/** Secrets, what readers see a mask of, and what is of objects that not every reader sees are never written down. */
function isForReader({ access }: Entity, { name, read, mask, kind }: Attribute): boolean {
  const levels = [read, access.read, access.readAll, access.hidden?.below];
  const isSecret = kind === 'hash' || /passcode|password|secret/i.test(name);
  return !mask && !isSecret && levels.every((level) => level === undefined || atLeast(reader, level));
}

function valueOf(attribute: Attribute, value: unknown, values: Values, ids: Ids): unknown {
  const type = typeOf(attribute, values);
  if (value == null) return null;
  if (attribute.ref ?? attribute.any) return ids.get(type ?? '')?.get(value as number) ?? null;
  const read = readers[attribute.kind](typeof value === 'boolean' ? Number(value) : value);
  const text = typeof read === 'string' ? read : JSON.stringify(read ?? null);
  // A database takes no JSON that nests deeper than 32.
  if (nestsDeeper(read, maxDepth)) return text.slice(0, maxText);
  return text.length > maxText ? `${text.slice(0, maxText)}…` : read;
}

/** How many rows go at once. */
const pruneStep = 1000;

/** Forgets what was logged before a moment, but for what an older server has logged; may run in several processes at once. */
export async function pruneActivity(database: Database, before: Date): Promise<void> {
  for (let step = pruneStep; step === pruneStep;) {
    const rows = await database.select<{ pk: number }>(
      `SELECT id AS pk FROM \`${logTable}\` WHERE created_on < ? AND detail_json LIKE '%"by":{"level":%' ORDER BY id LIMIT ?`,
      [databaseFromDate(before), pruneStep],
    );
    const pks = rows.map(({ pk }) => pk);
    step = pks.length;
    if (step > 0)
      await database.transaction((tx) =>
        database.select(`DELETE FROM \`${logTable}\` WHERE id IN (${pks.map(() => '?').join()})`, pks, tx),
      );
  }
}

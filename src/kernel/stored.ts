import type { Attribute, Kind } from './attributes';
import { isPublicId } from './public-id';
import { isoFromDatabase } from './scalars';

/**
 * What is answered for a value that a column holds, by kind of attribute; undefined for one that cannot be read. Old tables hold what
 * nothing kept out of them, and SQLite keeps any value in any column. NULL is not asked about.
 */
export const readers: Record<Kind, (value: unknown) => unknown> = {
  id: (value) => (isPublicId(value) ? value : undefined),
  string: text,
  text,
  longtext: text,
  hash: text,
  anyType: text,
  int: (value) =>
    Number.isInteger(value) && (value as number) === ((value as number) | 0) ? value : undefined,
  bigint: (value) => (Number.isSafeInteger(value) ? value : undefined),
  float: fraction,
  decimal: fraction,
  bool(value) {
    const number = value instanceof Uint8Array ? NaN : Number(value);
    return Number.isNaN(number) ? undefined : number !== 0;
  },
  datetime: (value) => isoFromDatabase(value),
  json(value) {
    try {
      return JSON.parse(String(value)) as unknown;
    } catch {
      return undefined;
    }
  },
  ref: key,
  anyId: key,
};

/** What an attribute without a value is answered as: flags that are always there count as false. */
export const absent = ({ kind, nullable }: Attribute): false | null =>
  kind === 'bool' && !nullable ? false : null;

function text(value: unknown): unknown {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : undefined;
}

function fraction(value: unknown): unknown {
  return Number.isFinite(value) ? value : undefined;
}

/** The internal key of another row. */
function key(value: unknown): unknown {
  return Number.isSafeInteger(value) ? value : undefined;
}

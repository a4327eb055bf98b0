import { isDeepStrictEqual } from 'node:util';
import type { Attribute, Json } from './attributes';
import type { Context } from './context';
import { maySee } from './tenancy';

/**
 * What is meant by a value whose sender may not read it, or not all of it: programs send back whole records, with null or a mask
 * where something was hidden from them, and that must not be lost by it. Undefined: nothing changes.
 */
export function withUnseen(ctx: Context, attribute: Attribute, given: unknown, stored: unknown): unknown {
  const { read, mask, kind } = attribute;
  if (read === 'never' || maySee(ctx.viewer, attribute)) return given;
  const held = kind === 'json' ? parsed(stored) : (stored ?? null);
  const shown = mask && held !== null ? mask(held as never, ctx) : null;
  if (isDeepStrictEqual(given, shown)) return undefined;
  return kind === 'json' ? restored(given as Json, held as Json, shown as Json) : given;
}

function parsed(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** Puts back what was held and not shown. Items of a list are known by what was shown of them. */
function restored(given: Json, held: Json, shown: Json): Json {
  if (isDeepStrictEqual(given, shown)) return held;
  if (Array.isArray(given) && Array.isArray(held) && Array.isArray(shown))
    return given.map((item) => held[shown.findIndex((known) => isDeepStrictEqual(known, item))] ?? item);
  if (!isObject(given) || !isObject(held) || !isObject(shown)) return given;
  const merged = { ...given };
  for (const [name, value] of Object.entries(held)) {
    if (!Object.hasOwn(shown, name)) merged[name] ??= value;
    else if (Object.hasOwn(given, name))
      merged[name] = restored(given[name] ?? null, value, shown[name] ?? null);
  }
  return merged;
}

const isObject = (value: Json): value is { [key: string]: Json } =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

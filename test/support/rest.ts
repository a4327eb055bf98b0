import type { Attribute } from '../../src/kernel/attributes';
import type { Entity } from '../../src/kernel/entity';
import { answered } from './graph';
import type { Values } from './factory';

/** The keys of REST for an attribute. */
export function keysOf({ table }: Entity, { kind, column }: Attribute): string[] {
  if (kind === 'id') return ['id', `${table}_id`, `${table}_id_random`];
  return kind === 'ref' || kind === 'anyId' ? [column, `${column}_random`] : [column];
}

/** The record that REST must answer for an object that the graph answered so. Counts are not part of it. */
export function recordOf(entity: Entity, object: Values): Values {
  const attributes = answered(entity).filter(({ kind, sql }) => !(sql && kind === 'int'));
  return Object.fromEntries(
    attributes.flatMap((attribute) => keysOf(entity, attribute).map((key) => [key, object[attribute.name]])),
  );
}

/** A body of REST with these values: JSON as text, as clients send it; references in the older spelling where `older` says so. */
export const bodyOf = (entity: Entity, values: Values, { older = false } = {}): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const attribute = entity.attributes.get(name)!;
      const keys = keysOf(entity, attribute);
      const sent = attribute.kind === 'json' && value !== null ? JSON.stringify(value) : value;
      return [older ? keys.at(-1)! : keys[0]!, sent];
    }),
  );

/** What a client sends back of a record that it read: everything, JSON as text, and marks of its own. */
export const sentBack = (entity: Entity, record: Values): Values => ({
  ...Object.fromEntries(
    Object.entries(record).map(([key, value]) => [
      key,
      entity.byColumn.get(key)?.kind === 'json' && value !== null ? JSON.stringify(value) : value,
    ]),
  ),
  tmp_sort_1: '0_0000_name',
  tmp_sort_2: 7,
});

/** Every place in an answer where a number stands under the name of an id, or where a key of the database shows. */
export function leakedKeys(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((each, i) => leakedKeys(each, `${path}[${String(i)}]`));
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const place = `${path}.${key}`;
    // What an account keeps in free JSON is its own.
    if (/json$/i.test(key)) return [];
    if (key === 'pk' || key.startsWith('$')) return [place];
    if (/(^id|_id|Id|_random)$/.test(key) && inner !== null && typeof inner !== 'string') return [place];
    return leakedKeys(inner, place);
  });
}

import type { Entity } from '../kernel/entity';
import { targetsOf } from '../kernel/registry';
import { saysNo, saysYes, type Style } from './request';
import { childrenOf, keyOf, objectsOf, plain, type Shape } from './views';

type Data = Record<string, unknown>;

interface Wishes {
  /** The own id stands under the name of the type, too: `event_id` and `event_id_random`. Else as `id` and `id_random`. */
  aliases: boolean;
  /** Fields that hold nothing are there, as null. */
  nulls: boolean;
}

/**
 * How the caller of an old route wants to be answered. `by_alias=false`: keys as the older models had them inside, without the name of
 * their type. `exclude_unset`, `exclude_none`: without fields that hold nothing; the older models held what a row did not, the same to
 * their reader. `return_meta=false`: `data` alone.
 */
export function styleFrom(query: URLSearchParams): Style | undefined {
  const text = (name: string): string | undefined => query.get(name) ?? undefined;
  const aliases = !saysNo(text('by_alias'));
  const nulls = !saysYes(text('exclude_unset')) && !saysYes(text('exclude_none'));
  const bare = saysNo(text('return_meta'));
  if (aliases && nulls && !bare) return undefined;
  return {
    bare,
    ...(!(aliases && nulls) && { record: (entity, shape) => restyler(entity, shape, { aliases, nulls }) }),
  };
}

/** Records that a record holds are done alike; what an account keeps in its JSON is left as it is. */
function restyler(entity: Entity, shape: Shape, wishes: Wishes): (record: Data) => Data {
  const alias = new Set(wishes.aliases ? [] : [`${entity.table}_id`, `${entity.table}_id_random`]);
  const inner = new Map<string, (value: Data, record: Data) => Data>();
  for (const [key, { child }] of childrenOf(entity, shape)) inner.set(key, restyler(child, plain, wishes));
  for (const one of objectsOf(entity, shape)) {
    const { any, ref } = one.attribute;
    const type = entity.attributes.get(any?.typeAttribute ?? '')?.column ?? '';
    const byType = new Map(
      targetsOf(one.attribute).map((target) => [target.table, restyler(target, plain, wishes)]),
    );
    inner.set(keyOf(one), (value, record) => {
      const restyle = byType.get(ref?.type ?? String(record[type]));
      return restyle ? restyle(value) : value;
    });
  }
  return (record) => {
    const restyled: Data = {};
    for (const [key, value] of Object.entries(record)) {
      if (alias.has(key) || (value === null && !wishes.nulls)) continue;
      const restyle = inner.get(key);
      if (!restyle || value === null) restyled[key] = value;
      else if (Array.isArray(value)) restyled[key] = value.map((each: Data) => restyle(each, record));
      else restyled[key] = restyle(value as Data, record);
      if (key === 'id' && !wishes.aliases) restyled.id_random = value;
    }
    return restyled;
  };
}

import { snakeCase, type Attribute } from '../kernel/attributes';
import type { Entity } from '../kernel/entity';
import { toOnes, type ToMany, type ToOne } from '../kernel/registry';
import { relationNamed, relationsOf, saysYes, type RestRequest } from './request';

export const views = ['default', 'enriched', 'detail', 'alt'] as const;
type View = (typeof views)[number];

/** How much of a record is answered: a view, and parts that were asked for beside it, by their keys in order. */
export interface Shape {
  view: View;
  parts: readonly string[];
}

export const plain: Shape = { view: 'default', parts: [] };

/** The shape that a request asks for by `view` and `inc_*`; what there is none of is told in the warnings. */
export function shapeOf(request: RestRequest): Shape {
  const { ctx, entity, query } = request;
  if (query.size === 0) return plain;
  const asked = request.text('view') ?? 'default';
  const view = views.find((name) => name === asked) ?? 'default';
  if (view !== asked) ctx.warnings.add(`view: there is no view "${asked}"; it is the default one.`);
  const parts = new Set<string>();
  for (const [name, value] of query) {
    if (!name.startsWith('inc_') || !saysYes(value)) continue;
    const key = name.slice('inc_'.length);
    if (isPart(entity, key)) parts.add(key);
    else ctx.warnings.add(`${name}: ${entity.table} has no such part; it is left out.`);
  }
  if (view === 'default' && parts.size === 0) return plain;
  return { view, parts: [...parts].sort() };
}

const isPart = (entity: Entity, key: string): boolean =>
  (entity.byColumn.get(key)?.sql !== undefined && entity.byColumn.get(key)?.read !== 'never') ||
  toOnes(entity).some((one) => keyOf(one) === key) ||
  childrenNamed(entity, key) !== undefined;

/** The key of an object that is referred to: `event_location` beside `event_location_id`. */
export const keyOf = ({ field }: ToOne): string => snakeCase(field);

/** Children are asked for as `session_list`, `session_li` or `sessions`, with and without what their name shares with the parent's. */
function childrenNamed(entity: Entity, key: string): ToMany | undefined {
  const [, single] = /^(.+)_(?:list|li)$/.exec(key) ?? [];
  if (single !== undefined) return relationNamed(entity, single);
  return relationsOf(entity).find(
    ({ field, child }) => snakeCase(field) === key || snakeCase(child.plural) === key,
  );
}

/** The attributes of a record in a shape. Secrets are in none; counts cost more than a record, and must be asked for. */
export const attributesOf = ({ attributes }: Entity, { view, parts }: Shape): Attribute[] =>
  [...attributes.values()].filter(
    (attribute) =>
      attribute.read !== 'never' && (isInView(view, attribute) || parts.includes(attribute.column)),
  );

function isInView(view: View, { sql, kind }: Attribute): boolean {
  if (sql === undefined || view === 'enriched' || view === 'detail') return true;
  return view === 'default' && kind !== 'int';
}

/** The references of a record whose objects it holds in a shape. */
export const objectsOf = (entity: Entity, { view, parts }: Shape): ToOne[] =>
  toOnes(entity).filter((one) => view === 'detail' || parts.includes(keyOf(one)));

/** The connections of a record in a shape, by their keys. */
export const childrenOf = (entity: Entity, { parts }: Shape): [key: string, ToMany][] =>
  parts.flatMap((key) => {
    const relation = childrenNamed(entity, key);
    return relation ? [[key, relation]] : [];
  });

import type { IndexSpec, TableSpec } from '../database/tables';
import { columnOf, type Attribute } from './attributes';
import { allEntities, entityOf, type Entity } from './entity';
import { atLeast } from './levels';

/** A reference as its own side sees it: `event` beside `eventId`. */
export interface ToOne {
  field: string;
  attribute: Attribute;
}

/** A reference as the other side sees it: `event.sessions`. */
export interface ToMany {
  field: string;
  parent: Entity;
  child: Entity;
  attribute: Attribute;
}

/** `eventId` -> `event`, `linkToId` -> `linkTo`. */
const objectField = (attribute: Attribute): string => attribute.name.replace(/Id$/, '');

export const toOnes = (entity: Entity): ToOne[] =>
  [...entity.attributes.values()]
    .filter(({ kind }) => kind === 'ref' || kind === 'anyId')
    .map((attribute) => ({ field: objectField(attribute), attribute }));

/** Every connection from a parent to its children, over all types. */
export const allToManys = (): ToMany[] =>
  allEntities().flatMap((child) =>
    [...child.attributes.values()].flatMap((attribute) => {
      const inverse = attribute.ref?.inverse ?? attribute.any?.inverse;
      if (!inverse) return [];
      const parents = attribute.any?.inverseOn?.map(entityOf) ?? targetsOf(attribute);
      return parents.map((parent) => ({ field: inverse, parent, child, attribute }));
    }),
  );

export const toManys = (parent: Entity): ToMany[] => allToManys().filter((many) => many.parent === parent);

/** The types that a reference may point to. */
export function targetsOf({ ref, any }: Attribute): Entity[] {
  if (ref) return [entityOf(ref.type)];
  return any?.types ? any.types.map(entityOf) : allEntities();
}

/** References to a type, from anywhere: what must be looked after when one of its objects is deleted. */
export const referencesTo = (target: Entity): { entity: Entity; attribute: Attribute }[] =>
  allEntities().flatMap((entity) =>
    [...entity.attributes.values()]
      .filter((attribute) => (attribute.ref ?? attribute.any) && targetsOf(attribute).includes(target))
      .map((attribute) => ({ entity, attribute })),
  );

/** The references whose object a row is part of: it goes when they go, and is no more visible than they are. */
export const owners = (entity: Entity): Attribute[] =>
  [...entity.attributes.values()].filter(({ ref }) => ref?.onRemove === 'cascade');

/**
 * Looks for mistakes in the declarations, all at once.
 * @throws Error naming every one.
 */
export function checkRegistry(): void {
  const problems: string[] = [];
  for (const entity of allEntities()) {
    const { name, attributes, access, tenant } = entity;
    for (const attribute of attributes.values()) {
      const where = `${name}.${attribute.name}`;
      try {
        targetsOf(attribute);
      } catch (error) {
        if (attribute.ref ?? attribute.any) problems.push(`${where}: ${(error as Error).message}`);
      }
      if (
        attribute.search &&
        attribute.read &&
        (attribute.read === 'never' || !atLeast(access.read, attribute.read))
      )
        problems.push(`${where}: is searched by people who may not read it`);
      if (
        attribute.ref?.through &&
        !attributes.get(attribute.ref.through)?.ref &&
        !attributes.get(attribute.ref.through)?.any
      )
        problems.push(`${where}: is taken through ${attribute.ref.through}, which is no reference`);
      if (attribute.any && attributes.get(attribute.any.typeAttribute)?.kind !== 'anyType')
        problems.push(`${where}: has no attribute that names its type`);
    }
    if (tenant !== 'self' && !attributes.has('accountId')) problems.push(`${name}: has no accountId`);
    if (access.own && !access.readAll) problems.push(`${name}: has owners, but nobody who sees all`);
    const fields = [
      ...toOnes(entity).map(({ field }) => field),
      ...toManys(entity).map(({ field }) => field),
    ];
    for (const field of fields)
      if (attributes.has(field) || fields.filter((other) => other === field).length > 1)
        problems.push(`${name}.${field}: is declared twice`);
  }
  if (problems.length > 0)
    throw new Error(`the declarations contradict each other:\n  ${problems.join('\n  ')}`);
}

/** The tables that the declarations need. */
export const tablesOf = (entities: Entity[] = allEntities()): TableSpec[] => entities.map(tableOf);

function tableOf({ table, tenant, attributes, indexes }: Entity): TableSpec {
  const columns: TableSpec['columns'] = { id: { type: 'id' } };
  const found: IndexSpec[] = [];
  for (const attribute of attributes.values()) {
    const column = columnOf(attribute);
    if (!column) continue;
    columns[attribute.column] = column;
    const unique = attribute.kind === 'id' || attribute.unique === true;
    if (unique) found.push({ columns: [attribute.column], unique });
    else if (attribute.name === 'accountId') found.push({ columns: ['account_id', 'updated_on'] });
    else if (attribute.ref) found.push({ columns: [attribute.column] });
    else if (attribute.any)
      found.push({ columns: [attributes.get(attribute.any.typeAttribute)?.column ?? '', attribute.column] });
    else if (attribute.index)
      found.push({ columns: tenant === 'self' ? [attribute.column] : ['account_id', attribute.column] });
  }
  return { name: table, columns, indexes: [...found, ...indexes] };
}

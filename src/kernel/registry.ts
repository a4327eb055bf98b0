import type { IndexSpec, TableSpec } from '../database/tables';
import { columnOf, type Attribute, type Gathers } from './attributes';
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

/**
 * Makes once what follows from the declarations of a type: types refer to each other in circles, and requests ask for it again and
 * again. Asked for only when all types are declared.
 */
export function perEntity<T>(find: (entity: Entity) => T): (entity: Entity) => T {
  const found = new Map<Entity, T>();
  return (entity) => {
    let known = found.get(entity);
    if (known === undefined) found.set(entity, (known = find(entity)));
    return known;
  };
}

/** `eventId` -> `event`, `linkToId` -> `linkTo`. */
const objectField = (attribute: Attribute): string => attribute.name.replace(/Id$/, '');

export const toOnes = perEntity((entity): readonly ToOne[] =>
  [...entity.attributes.values()]
    .filter(({ kind }) => kind === 'ref' || kind === 'anyId')
    .map((attribute) => ({ field: objectField(attribute), attribute })),
);

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

export const toManys = perEntity((parent): readonly ToMany[] =>
  allToManys().filter((many) => many.parent === parent),
);

/** The types that a reference may point to. */
export function targetsOf({ ref, any }: Attribute): Entity[] {
  if (ref) return [entityOf(ref.type)];
  return any?.types ? any.types.map(entityOf) : allEntities();
}

/** References to a type, from anywhere: what must be looked after when one of its objects is deleted. */
export const referencesTo = perEntity((target): readonly { entity: Entity; attribute: Attribute }[] =>
  allEntities().flatMap((entity) =>
    [...entity.attributes.values()]
      .filter((attribute) => (attribute.ref ?? attribute.any) && targetsOf(attribute).includes(target))
      .map((attribute) => ({ entity, attribute })),
  ),
);

/** The references whose object a row is part of: it goes when they go, and is no more visible than they are. */
export const owners = perEntity((entity): readonly Attribute[] =>
  [...entity.attributes.values()].filter(({ ref }) => ref?.onRemove === 'cascade'),
);

/** An attribute of `parent` that gathers texts of a type. */
interface Feed {
  parent: Entity;
  by: Attribute;
  texts: Attribute[];
}

/** The search texts that take in texts of this type. */
export const feedsOf = perEntity((entity): readonly Feed[] =>
  allEntities().flatMap((parent) =>
    [...parent.attributes.values()].flatMap(({ search, gathers }) =>
      search && gathers?.table === entity.table ? [{ parent, ...columnsOf(gathers) }] : [],
    ),
  ),
);

/** @throws Error when a column is not declared: a mistake in a declaration. */
function columnsOf({ table, by, texts }: Gathers): Omit<Feed, 'parent'> {
  const { byColumn } = entityOf(table);
  const named = (column: string): Attribute => {
    const attribute = byColumn.get(column);
    if (!attribute || attribute.sql) throw new Error(`gathers ${table}.${column}, which is no column`);
    return attribute;
  };
  return { by: named(by), texts: texts.map(named) };
}

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
      problems.push(...textProblems(entity, attribute).map((problem) => `${where}: ${problem}`));
      if (
        attribute.ref?.through &&
        !attributes.get(attribute.ref.through)?.ref &&
        !attributes.get(attribute.ref.through)?.any
      )
        problems.push(`${where}: is taken through ${attribute.ref.through}, which is no reference`);
      if (attribute.any && attributes.get(attribute.any.typeAttribute)?.kind !== 'anyType')
        problems.push(`${where}: has no attribute that names its type`);
      if (attribute.opens && !access.ownEdits)
        problems.push(`${where}: opens it to its owner, who may change nothing`);
    }
    problems.push(...ownEditsProblems(entity).map((problem) => `${name}: ${problem}`));
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

function ownEditsProblems({ access, attributes }: Entity): string[] {
  const { own, ownEdits } = access;
  if (!ownEdits) return [];
  const { defaults, grantable = [], settings } = ownEdits;
  const target = attributes.get(settings.through)?.ref?.type;
  const problems = own ? [] : ['says what owners change, but has none'];
  if (!target || entityOf(target).attributes.get(settings.attribute)?.kind !== 'json')
    problems.push(`has no settings at ${settings.through}.${settings.attribute}`);
  for (const edited of [...defaults, ...grantable])
    if (!attributes.has(edited)) problems.push(`has no ${edited} for its owner to change`);
  return problems;
}

/** What is wrong with a text that is made of others: it must tell nobody what they may not read, and follow each change. */
function textProblems({ access, attributes, table }: Entity, attribute: Attribute): string[] {
  const { search, sql, gathers, textOf, read } = attribute;
  const problems: string[] = [];
  const source = textOf === undefined ? undefined : attributes.get(textOf);
  if (textOf !== undefined && source?.kind !== 'json')
    problems.push(`is the text of ${textOf}, which is no JSON`);
  if (source?.read && read !== 'never' && !atLeast(read ?? access.read, source.read))
    problems.push(`tells ${source.name} to people who may not read it`);
  if (search && sql && !gathers) problems.push('is derived and searched, but does not say what it gathers');
  if (!gathers) return problems;
  try {
    const { by, texts } = columnsOf(gathers);
    const { access: below } = entityOf(gathers.table);
    if (by.ref?.type !== table) problems.push(`gathers by ${by.name}, which is no reference to it`);
    const { list = below.read, readAll = list, hidden } = below;
    if (![list, readAll].every((needed) => atLeast(access.read, needed)) || hidden)
      problems.push(`gathers ${gathers.table}, which not all its readers may read`);
    for (const { name, read: needed } of texts)
      if (needed && !atLeast(access.read, needed))
        problems.push(`gathers ${name}, which not all its readers may read`);
  } catch (error) {
    problems.push((error as Error).message);
  }
  return problems;
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

import {
  getNamedType,
  isObjectType,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLResolveInfo,
  type SelectionSetNode,
} from 'graphql';
import type { Attribute } from './attributes';
import type { Viewer } from './context';
import type { Entity } from './entity';
import { expression } from './filter';
import type { Level } from './levels';
import { toOnes } from './registry';
import { readers } from './stored';
import { maySee } from './tenancy';

/** The part of GraphQL's resolve info that is read here. */
export type Info = Pick<GraphQLResolveInfo, 'fieldNodes' | 'fragments' | 'schema' | 'returnType'>;

/** What to read of a type: only the columns that an answer needs, and that its reader may see. */
export interface Plan {
  /** Names the plan: what loaders share. */
  key: string;
  entity: Entity;
  /** Select list for the alias `t`, and how many columns it names. */
  columns: string;
  width: number;
  /** Attributes whose column value is not yet what the graph answers. */
  values: Attribute[];
  /** Attributes whose column value is text, and answered as it is. */
  texts: Attribute[];
  /** Attributes whose reader sees a mask. */
  masked: Attribute[];
  /** References to be answered by public id. */
  refs: Attribute[];
  /** Names of those of them that the reader sees as they are. */
  fields: string[];
}

type Fields = Map<string, FieldNode[]>;

/** The fields selected below some nodes, on the type named; `Node` counts as every type. */
export function fieldsBelow(
  nodes: readonly { selectionSet?: SelectionSetNode }[],
  fragments: Record<string, FragmentDefinitionNode>,
  typeName: string,
  into: Fields = new Map(),
): Fields {
  for (const { selectionSet } of nodes)
    for (const selection of selectionSet?.selections ?? []) {
      if (selection.kind === 'Field') {
        const { value } = selection.name;
        const known = into.get(value);
        if (known) known.push(selection);
        else into.set(value, [selection]);
        continue;
      }
      const part = selection.kind === 'FragmentSpread' ? fragments[selection.name.value] : selection;
      const on = part?.typeCondition?.name.value;
      if (part && (on === undefined || on === typeName || on === 'Node'))
        fieldsBelow([part], fragments, typeName, into);
    }
  return into;
}

/** What a connection has to find out, by what was asked of it. */
export interface ConnectionSelection {
  plan: Plan;
  cursors: boolean;
}

const selectionCache = new WeakMap<FieldNode, Map<string, unknown>>();

/** Documents are cached, so their nodes are met again and again: what was found for one is kept beside it. */
function cached<T>({ fieldNodes }: Info, name: string, make: () => T): T {
  const [node] = fieldNodes;
  if (!node || fieldNodes.length > 1) return make();
  const known = selectionCache.get(node) ?? new Map<string, unknown>();
  selectionCache.set(node, known);
  const value = known.get(name) as T | undefined;
  if (value !== undefined) return value;
  const made = make();
  known.set(name, made);
  return made;
}

/** The plan of a field that answers objects of this type, at the end of a path of plain fields below it. */
export const planOf = (info: Info, entity: Entity, viewer: Viewer, path: string[] = []): Plan =>
  cached(info, `${entity.name} ${viewer.level} ${path.join('.')}`, () => {
    let nodes: readonly FieldNode[] = info.fieldNodes;
    let type: GraphQLNamedType = getNamedType(info.returnType);
    for (const step of path) {
      nodes = fieldsBelow(nodes, info.fragments, type.name).get(step) ?? [];
      if (isObjectType(type)) type = getNamedType(type.getFields()[step]?.type ?? type) as GraphQLNamedType;
    }
    return planFor(info, entity, viewer, fieldsBelow(nodes, info.fragments, entity.name));
  });

export const connectionSelectionOf = (info: Info, entity: Entity, viewer: Viewer): ConnectionSelection =>
  cached(info, `${entity.name} ${viewer.level} connection`, () => {
    const { fragments } = info;
    const connection = `${entity.name}Connection`;
    const fields = fieldsBelow(info.fieldNodes, fragments, connection);
    const edges = fieldsBelow(fields.get('edges') ?? [], fragments, `${entity.name}Edge`);
    const pageInfo = fieldsBelow(fields.get('pageInfo') ?? [], fragments, 'PageInfo');
    const wanted = fieldsBelow(fields.get('nodes') ?? [], fragments, entity.name);
    fieldsBelow(edges.get('node') ?? [], fragments, entity.name, wanted);
    return {
      plan: planFor(info, entity, viewer, wanted),
      cursors: edges.has('cursor') || pageInfo.has('startCursor') || pageInfo.has('endCursor'),
    };
  });

function planFor(info: Info, entity: Entity, viewer: Viewer, fields: Fields): Plan {
  const type = info.schema.getType(entity.name);
  const declared = isObjectType(type) ? type.getFields() : {};
  const names = [...fields.keys()].flatMap((name) => [name, ...needsOf(declared[name]?.extensions)]);
  return makePlan(entity, names, viewer.level);
}

/** Attributes that a field resolver reads from its row, declared as `@Extensions({ needs: [...] })`. */
const needsOf = (extensions: unknown): string[] =>
  (extensions as { needs?: string[] } | undefined)?.needs ?? [];

/** A plan for attributes and references by name; what is neither is left to its resolver. */
export function makePlan(entity: Entity, names: Iterable<string>, level: Level): Plan {
  const chosen = new Set(names);
  const viewer = { level } as Viewer;
  const columns = new Map([
    ['$pk', 't.id'],
    ['id', 't.id_random'],
  ]);
  const plan: Plan = {
    key: '',
    entity,
    columns: '',
    width: 0,
    values: [],
    texts: [],
    masked: [],
    refs: [],
    fields: [],
  };

  const readReference = (attribute: Attribute): void => {
    columns.set(`$${attribute.name}`, `t.\`${attribute.column}\``);
    const type = attribute.any && entity.attributes.get(attribute.any.typeAttribute);
    if (type) columns.set(`$${type.name}`, `t.\`${type.column}\``);
  };
  for (const { field, attribute } of toOnes(entity)) if (chosen.has(field)) readReference(attribute);

  for (const name of chosen) {
    const attribute = entity.attributes.get(name);
    if (!attribute || attribute.kind === 'id') continue;
    if (maySee(viewer, attribute)) plan.fields.push(name);
    if (!maySee(viewer, attribute)) {
      columns.set(name, attribute.mask ? expression(attribute, 't') : 'NULL');
      if (attribute.mask) plan.masked.push(attribute);
    } else if (attribute.kind === 'ref' || attribute.kind === 'anyId') {
      readReference(attribute);
      plan.refs.push(attribute);
      continue;
    } else columns.set(name, expression(attribute, 't'));
    // A mask takes text to be text.
    const asItIs = readers[attribute.kind] === readers.text && !plan.masked.includes(attribute);
    (asItIs ? plan.texts : plan.values).push(attribute);
  }
  plan.width = columns.size;
  plan.columns = [...columns].map(([name, sql]) => `${sql} AS \`${name}\``).join(', ');
  plan.key = `${entity.table} ${level} ${[...columns.keys()].sort().join()} ${plan.refs
    .map(({ name }) => name)
    .sort()
    .join()}`;
  return plan;
}

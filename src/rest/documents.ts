import { parse, validate, type DocumentNode, type GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Attribute } from '../kernel/attributes';
import type { Entity } from '../kernel/entity';
import { targetsOf, type ToMany, type ToOne } from '../kernel/registry';
import { attributesOf, childrenOf, keyOf, objectsOf, plain, type Shape } from './views';

/** A GraphQL document that a REST call becomes. Its aliases are the snake_case keys of REST already. */
export interface Operation {
  document: DocumentNode;
  /** How many steps lead to a record in its answer. */
  depth: number;
  /** A list of so many is read at once, a longer one in pages of so many. */
  pages: { short: number; long: number };
  /** Makes of a record what aliases cannot make of it. */
  finish: (record: Data) => Data;
}

type Data = Record<string, unknown>;

/** How the arguments of a connection are declared and handed on. */
const listVariables = (entity: Entity): string =>
  `$filter: ${entity.name}Filter, $orderBy: [${entity.name}Order!], $q: String, $first: Int, $after: String, $offset: Int,
   $enabled: EnabledFilter!, $hidden: HiddenFilter!, $updatedSince: DateTime, $total: Boolean!`;

const listArguments =
  'filter: $filter, orderBy: $orderBy, q: $q, first: $first, after: $after, offset: $offset, enabled: $enabled, hidden: $hidden, updatedSince: $updatedSince';

const page = (entity: Entity, shape: Shape): string =>
  `{ nodes { ${fieldsOf(entity, shape)} } pageInfo { hasNextPage endCursor } totalCount @include(if: $total) }`;

const payload = (entity: Entity): string => `{ data: ${entity.single} { ${fieldsOf(entity)} } }`;

interface Text {
  depth: number;
  text: (entity: Entity, shape: Shape) => string;
}

/** What is done with the objects of a type. */
const verbs = {
  one: {
    depth: 1,
    text: (entity, shape) =>
      `query ($id: ID!) { data: ${entity.single}(id: $id) { ${fieldsOf(entity, shape)} } }`,
  },
  list: {
    depth: 3,
    text: (entity, shape) =>
      `query (${listVariables(entity)}) { list: ${entity.plural}(${listArguments}) ${page(entity, shape)} }`,
  },
  /** The domain that a host name and an access key lead to. */
  domain: {
    depth: 2,
    text: (entity, shape) =>
      `query ($fqdn: String!, $accessKey: String) { found: bootstrap(fqdn: $fqdn, accessKey: $accessKey) { domain { ${fieldsOf(entity, shape)} } } }`,
  },
  /** Whether there is such an object, and the caller may see it. */
  known: { depth: 1, text: ({ single }) => `query ($id: ID!) { data: ${single}(id: $id) { id } }` },
  /** What the graph tells of the type itself. */
  type: {
    depth: 1,
    text: ({ name }) =>
      `query { type: __type(name: "${name}") { name description fields { name description type { kind name ofType { kind name ofType { kind name } } } } } }`,
  },
  create: {
    depth: 2,
    text: (entity) =>
      `mutation ($input: Create${entity.name}Input!) { payload: create${entity.name}(input: $input) ${payload(entity)} }`,
  },
  validate: {
    depth: 1,
    text: ({ name }) => `mutation ($input: Create${name}Input!) { data: validate${name}(input: $input) }`,
  },
  update: {
    depth: 2,
    text: (entity) =>
      `mutation ($id: ID!, $input: Update${entity.name}Input!, $ifUpdatedOn: DateTime) { payload: update${entity.name}(id: $id, input: $input, ifUpdatedOn: $ifUpdatedOn) ${payload(entity)} }`,
  },
  remove: {
    depth: 2,
    text: (entity) =>
      `mutation ($id: ID!, $method: RemoveMethod!, $ifUpdatedOn: DateTime) { payload: remove${entity.name}(id: $id, method: $method, ifUpdatedOn: $ifUpdatedOn) ${payload(entity)} }`,
  },
} satisfies Record<string, Text>;

const children = ({ parent, field }: ToMany): Text => ({
  depth: 4,
  text: (child, shape) =>
    `query ($parent: ID!, ${listVariables(child)}) { parent: ${parent.single}(id: $parent) { list: ${field}(${listArguments}) ${page(child, shape)} } }`,
});

/** The operations of each type, and its children below a parent. */
export type Documents = Record<keyof typeof verbs, (entity: Entity, shape?: Shape) => Operation> & {
  children(relation: ToMany, shape?: Shape): Operation;
};

/** Shaped documents kept at most, and the characters in them: combinations of parts have no end. */
const bounds = { max: 5000, maxSize: 4 * 1024 ** 2 };

/** Each is made, parsed and validated when it is first needed, and kept. */
export function createDocuments(schema: GraphQLSchema): Documents {
  const usual = new Map<string, Operation>();
  const shaped = new LRUCache<string, Operation>(bounds);

  function prepared(name: string, { depth, text }: Text, entity: Entity, shape = plain): Operation {
    const key = shape === plain ? name : `${name} ${shape.view} ${shape.parts.join()}`;
    const known = (shape === plain ? usual : shaped).get(key);
    if (known) return known;
    const source = text(entity, shape);
    const document = parse(source, { noLocation: true });
    const problems = validate(schema, document);
    if (problems.length > 0) throw new Error(`${key}: ${problems.map(({ message }) => message).join('; ')}`);
    const operation = {
      document,
      depth,
      pages: pagesOf(entity, shape),
      finish: finisher(entity, shape),
    };
    if (shape === plain) usual.set(key, operation);
    else shaped.set(key, operation, { size: source.length });
    return operation;
  }

  const of = (verb: keyof typeof verbs) => (entity: Entity, shape?: Shape) =>
    prepared(`${verb} ${entity.table}`, verbs[verb], entity, shape);
  return {
    one: of('one'),
    list: of('list'),
    domain: of('domain'),
    known: of('known'),
    type: of('type'),
    create: of('create'),
    validate: of('validate'),
    update: of('update'),
    remove: of('remove'),
    children: (relation, shape) =>
      prepared(`${relation.parent.table}.${relation.field}`, children(relation), relation.child, shape),
  };
}

/** Pages of a long list are so small that their rows are gone before they count as old; of records that bring lists along, smaller. */
const pagesOf = (entity: Entity, shape: Shape): Operation['pages'] =>
  childrenOf(entity, shape).length > 0 ? { short: 20, long: 20 } : { short: 1000, long: 250 };

/** A list of children is no connection; and what may be of any type has its id under the name of its type too. */
function finisher(entity: Entity, shape: Shape): (record: Data) => Data {
  const lists = childrenOf(entity, shape).map(([key]) => key);
  const objects = objectsOf(entity, shape).flatMap((one) => {
    const type = entity.attributes.get(one.attribute.any?.typeAttribute ?? '')?.column;
    return type === undefined ? [] : [{ key: keyOf(one), type }];
  });
  return (record) => {
    for (const key of lists) record[key] = (record[key] as { nodes: Data[] } | null)?.nodes ?? null;
    for (const { key, type } of objects) {
      const object = record[key] as Data | null;
      const name = String(record[type]);
      if (object) object[`${name}_id`] = object[`${name}_id_random`] = object.id;
    }
    return record;
  };
}

/** The selection that answers a record as REST has it: every id three times, every reference twice. */
export const fieldsOf = (entity: Entity, shape = plain): string =>
  [
    valuesOf(entity, shape),
    ...objectsOf(entity, shape).map((one) => `${aliased(keyOf(one), one.field)} { ${fieldsOfObject(one)} }`),
    ...childrenOf(entity, shape).map(
      ([key, { field, child }]) => `${aliased(key, field)}(first: 1000) { nodes { ${fieldsOf(child)} } }`,
    ),
  ].join(' ');

const valuesOf = (entity: Entity, shape: Shape, keysOf = spellings): string =>
  attributesOf(entity, shape)
    .flatMap((attribute) => keysOf(entity, attribute).map((key) => aliased(key, attribute.name)))
    .join(' ');

const aliased = (key: string, field: string): string => (key === field ? field : `${key}: ${field}`);

function fieldsOfObject({ attribute }: ToOne): string {
  const targets = targetsOf(attribute);
  if (!attribute.any) return targets.map((target) => fieldsOf(target)).join(' ');
  // `event_id` is an event's own id, and another type's reference: one document cannot have both for one object.
  const keysOf = (target: Entity, each: Attribute) => (each.kind === 'id' ? ['id'] : spellings(target, each));
  return targets.map((target) => `... on ${target.name} { ${valuesOf(target, plain, keysOf)} }`).join(' ');
}

/** The keys under which an attribute stands in a record, and by which a body or a search may name it. */
export function spellings({ table }: Entity, { kind, column }: Attribute): string[] {
  if (kind === 'id') return ['id', `${table}_id`, `${table}_id_random`];
  if (kind === 'ref' || kind === 'anyId') return [column, `${column}_random`];
  return [column];
}

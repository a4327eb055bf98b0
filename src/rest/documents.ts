import { parse, validate, type DocumentNode, type GraphQLSchema } from 'graphql';
import type { Attribute } from '../kernel/attributes';
import type { Entity } from '../kernel/entity';
import type { ToMany } from '../kernel/registry';

/**
 * The GraphQL documents that REST calls become. Their aliases are the snake_case keys of REST already, so nothing is mapped
 * afterwards. Each is made, parsed and validated once.
 */
export interface Documents {
  one(entity: Entity): DocumentNode;
  list(entity: Entity): DocumentNode;
  children(relation: ToMany): DocumentNode;
  create(entity: Entity): DocumentNode;
  update(entity: Entity): DocumentNode;
  remove(entity: Entity): DocumentNode;
}

/** How the arguments of a connection are declared and handed on. */
const listVariables = (entity: Entity): string =>
  `$filter: ${entity.name}Filter, $orderBy: [${entity.name}Order!], $q: String, $first: Int, $after: String, $offset: Int,
   $enabled: EnabledFilter!, $hidden: HiddenFilter!, $updatedSince: DateTime, $total: Boolean!`;

const listArguments =
  'filter: $filter, orderBy: $orderBy, q: $q, first: $first, after: $after, offset: $offset, enabled: $enabled, hidden: $hidden, updatedSince: $updatedSince';

const page = (entity: Entity): string =>
  `{ nodes { ${fieldsOf(entity)} } pageInfo { hasNextPage endCursor } totalCount @include(if: $total) }`;

const texts = {
  one: (entity: Entity) => `query ($id: ID!) { data: ${entity.single}(id: $id) { ${fieldsOf(entity)} } }`,

  list: (entity: Entity) =>
    `query (${listVariables(entity)}) { list: ${entity.plural}(${listArguments}) ${page(entity)} }`,

  create: (entity: Entity) =>
    `mutation ($input: Create${entity.name}Input!) { payload: create${entity.name}(input: $input) { data: ${entity.single} { ${fieldsOf(entity)} } } }`,

  update: (entity: Entity) =>
    `mutation ($id: ID!, $input: Update${entity.name}Input!) { payload: update${entity.name}(id: $id, input: $input) { data: ${entity.single} { ${fieldsOf(entity)} } } }`,

  remove: (entity: Entity) =>
    `mutation ($id: ID!, $method: RemoveMethod!) { payload: remove${entity.name}(id: $id, method: $method) { data: ${entity.single} { ${fieldsOf(entity)} } } }`,
};

const childrenText = ({ parent, child, field }: ToMany): string =>
  `query ($parent: ID!, ${listVariables(child)}) { parent: ${parent.single}(id: $parent) { list: ${field}(${listArguments}) ${page(child)} } }`;

export function createDocuments(schema: GraphQLSchema): Documents {
  const made = new Map<string, DocumentNode>();
  const prepared = (name: string, text: () => string): DocumentNode => {
    const known = made.get(name);
    if (known) return known;
    const document = parse(text(), { noLocation: true });
    const problems = validate(schema, document);
    if (problems.length > 0) throw new Error(`${name}: ${problems.map(({ message }) => message).join('; ')}`);
    made.set(name, document);
    return document;
  };
  const of = (verb: keyof typeof texts) => (entity: Entity) =>
    prepared(`${verb} ${entity.table}`, () => texts[verb](entity));
  return {
    one: of('one'),
    list: of('list'),
    create: of('create'),
    update: of('update'),
    remove: of('remove'),
    children: (relation) =>
      prepared(`${relation.parent.table}.${relation.field}`, () => childrenText(relation)),
  };
}

/** The selection that answers a record as REST has it: every id three times, every reference twice. */
export function fieldsOf(entity: Entity): string {
  return [...entity.attributes.values()]
    .filter(isAnswered)
    .flatMap((attribute) => spellings(entity, attribute).map((spelling) => `${spelling}: ${attribute.name}`))
    .join(' ');
}

/** Is the attribute part of a record? Secrets never are; counts cost more than a record and must be asked for. */
const isAnswered = ({ read, kind, sql }: Attribute): boolean => read !== 'never' && !(sql && kind === 'int');

/** The keys under which an attribute stands in a record, and by which a body or a search may name it. */
export function spellings({ table }: Entity, { kind, column }: Attribute): string[] {
  if (kind === 'id') return ['id', `${table}_id`, `${table}_id_random`];
  if (kind === 'ref' || kind === 'anyId') return [column, `${column}_random`];
  return [column];
}

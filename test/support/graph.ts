import type { Attribute } from '../../src/kernel/attributes';
import type { Entity } from '../../src/kernel/entity';
import type { Caller, GraphqlAnswer } from './callers';
import type { Values } from './factory';

/** The attributes that an answer may hold: secrets are in none. */
export const answered = ({ attributes }: Entity): Attribute[] =>
  [...attributes.values()].filter(({ read }) => read !== 'never');

export const selectionOf = (entity: Entity): string =>
  answered(entity)
    .map(({ name }) => name)
    .join(' ');

/** The name of an attribute in an order. */
export const orderField = ({ kind, column }: Attribute): string =>
  kind === 'id' ? 'ID' : column.toUpperCase();

interface BulkOptions {
  maxAffected?: number;
  dryRun?: boolean;
}

const pluralOf = ({ plural }: Entity): string => plural.charAt(0).toUpperCase() + plural.slice(1);

const bulkSelectionOf = (entity: Entity): string =>
  `nodes { ${selectionOf(entity)} } count affected { type action count } errors { index id code message fields }`;

/** The operations of a type in the graph, each answering every attribute as `object` or `list`. */
export const graph = {
  read: (caller: Caller, entity: Entity, id: string): Promise<GraphqlAnswer> =>
    caller.graphql(`query ($id: ID!) { object: ${entity.single}(id: $id) { ${selectionOf(entity)} } }`, {
      id,
    }),

  create: (caller: Caller, entity: Entity, input: Values): Promise<GraphqlAnswer> =>
    caller.graphql(
      `mutation ($input: Create${entity.name}Input!) { payload: create${entity.name}(input: $input) { object: ${entity.single} { ${selectionOf(entity)} } } }`,
      { input },
    ),

  update: (caller: Caller, entity: Entity, id: string, input: Values): Promise<GraphqlAnswer> =>
    caller.graphql(
      `mutation ($id: ID!, $input: Update${entity.name}Input!) { payload: update${entity.name}(id: $id, input: $input) { object: ${entity.single} { ${selectionOf(entity)} } } }`,
      { id, input },
    ),

  remove: (
    caller: Caller,
    entity: Entity,
    id: string,
    method: 'HIDE' | 'DISABLE' | 'DELETE',
  ): Promise<GraphqlAnswer> =>
    caller.graphql(
      `mutation ($id: ID!, $method: RemoveMethod!) { payload: remove${entity.name}(id: $id, method: $method) { object: ${entity.single} { ${selectionOf(entity)} } } }`,
      { id, method },
    ),

  createMany: (caller: Caller, entity: Entity, inputs: Values[], dryRun = false): Promise<GraphqlAnswer> =>
    caller.graphql(
      `mutation ($inputs: [Create${entity.name}Input!]!, $dryRun: Boolean!) {
        payload: create${pluralOf(entity)}(inputs: $inputs, dryRun: $dryRun) { ${bulkSelectionOf(entity)} } }`,
      { inputs, dryRun },
    ),

  updateMany: (
    caller: Caller,
    entity: Entity,
    filter: Values,
    input: Values,
    options: BulkOptions = {},
  ): Promise<GraphqlAnswer> =>
    caller.graphql(
      `mutation ($filter: ${entity.name}Filter!, $input: Update${entity.name}Input!, $maxAffected: Int, $dryRun: Boolean) {
        payload: update${pluralOf(entity)}(filter: $filter, input: $input, maxAffected: $maxAffected, dryRun: $dryRun) {
          ${bulkSelectionOf(entity)} } }`,
      { filter, input, ...options },
    ),

  removeMany: (
    caller: Caller,
    entity: Entity,
    filter: Values,
    method: 'HIDE' | 'DISABLE' | 'DELETE',
    options: BulkOptions = {},
  ): Promise<GraphqlAnswer> =>
    caller.graphql(
      `mutation ($filter: ${entity.name}Filter!, $method: RemoveMethod!, $maxAffected: Int, $dryRun: Boolean) {
        payload: remove${pluralOf(entity)}(filter: $filter, method: $method, maxAffected: $maxAffected, dryRun: $dryRun) {
          ${bulkSelectionOf(entity)} } }`,
      { filter, method, ...options },
    ),

  /** A list with every argument that a connection has; `what` is the selection of the connection. */
  list: (
    caller: Caller,
    entity: Entity,
    args: Record<string, unknown> = {},
    what = `nodes { ${selectionOf(entity)} } totalCount`,
  ): Promise<GraphqlAnswer> =>
    caller.graphql(
      `query ($filter: ${entity.name}Filter, $orderBy: [${entity.name}Order!], $q: String, $first: Int, $after: String, $last: Int,
        $before: String, $offset: Int, $enabled: EnabledFilter, $hidden: HiddenFilter, $updatedSince: DateTime) {
        list: ${entity.plural}(filter: $filter, orderBy: $orderBy, q: $q, first: $first, after: $after, last: $last,
          before: $before, offset: $offset, enabled: $enabled, hidden: $hidden, updatedSince: $updatedSince) { ${what} } }`,
      { enabled: 'ALL', hidden: 'ALL', ...args },
    ),
};

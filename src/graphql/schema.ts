import type { GraphQLInterfaceType, GraphQLSchema } from 'graphql';
import { buildSchemaSync, type NonEmptyArray } from 'type-graphql';
import { bindRelations, relationResolvers } from '../kernel/crud-resolver';
import { guard } from '../kernel/permissions';
import { checkRegistry } from '../kernel/registry';
import { DateTime } from '../kernel/scalars';
import { ChangesResolver } from './changes';
import { nodeResolver } from './node';

/**
 * Makes the schema of the declared types and the resolvers given, with its guards at the door.
 * @throws Error when declarations contradict each other.
 */
export function makeSchema(resolvers: readonly (new () => object)[]): GraphQLSchema {
  checkRegistry();
  const schema = buildSchemaSync({
    resolvers: [
      ...resolvers,
      ...relationResolvers(),
      nodeResolver(),
      ChangesResolver,
    ] as unknown as NonEmptyArray<new () => object>,
    scalarsMap: [{ type: Date, scalar: DateTime }],
    validate: false,
    authMode: 'error',
    // Apollo Server checks it too, without an introspection of all of it.
    skipCheck: true,
  });
  bindRelations(schema);
  // TypeGraphQL would look for an instance of a class; a row says by itself what it is.
  (schema.getType('Node') as GraphQLInterfaceType).resolveType = (row: { __typename?: string }) =>
    row.__typename;
  guard(schema);
  return schema;
}

import type { GraphQLInterfaceType, GraphQLSchema } from 'graphql';
import { buildSchemaSync, type NonEmptyArray } from 'type-graphql';
import { bindRelations, relationResolvers } from '../kernel/crud-resolver';
import { guard } from '../kernel/permissions';
import { checkRegistry } from '../kernel/registry';
import { DateTime } from '../kernel/scalars';
import { ChangesResolver } from './changes';
import { nodeResolver } from './node';

/** The part of TypeGraphQL's storage that is looked through for every field there is. */
interface Storage {
  fieldExtensions: { fieldName: string }[];
  findExtensions: (this: Storage, target: object, fieldName?: string) => object;
}

/** TypeGraphQL compares each field with every extension: most of the time of a start. Here it finds those of the field's name alone. */
function indexExtensions({
  TypeGraphQLMetadataStorage: storage,
}: {
  TypeGraphQLMetadataStorage: Storage;
}): void {
  const prototype = Object.getPrototypeOf(storage) as Storage;
  const find = prototype.findExtensions;
  const indexes = new WeakMap<object, Map<string, Storage['fieldExtensions']>>();
  prototype.findExtensions = function (target, fieldName) {
    if (fieldName === undefined) return find.call(this, target);
    const { fieldExtensions } = this;
    let byName = indexes.get(fieldExtensions);
    if (!byName) indexes.set(fieldExtensions, (byName = groupBy(fieldExtensions)));
    this.fieldExtensions = byName.get(fieldName) ?? [];
    const found = find.call(this, target, fieldName);
    this.fieldExtensions = fieldExtensions;
    return found;
  };
}
indexExtensions(globalThis as unknown as { TypeGraphQLMetadataStorage: Storage });

function groupBy(extensions: Storage['fieldExtensions']): Map<string, Storage['fieldExtensions']> {
  const byName = new Map<string, Storage['fieldExtensions']>();
  for (const extension of extensions) {
    const known = byName.get(extension.fieldName);
    if (known) known.push(extension);
    else byName.set(extension.fieldName, [extension]);
  }
  return byName;
}

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

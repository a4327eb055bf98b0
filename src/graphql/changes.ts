import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Extensions, Field, ID, Info, Int, ObjectType, Query, Resolver } from 'type-graphql';
import { readChanges, type Change } from '../kernel/changes';
import { Context } from '../kernel/context';
import { Node } from '../kernel/entity';
import { changeActions, objectTypes } from '../kernel/input-types';
import { readReference } from '../kernel/read';
import type { Row } from '../kernel/rows';
import { DateTime } from '../kernel/scalars';
import { planOf } from '../kernel/selection';
import type { Verb } from '../kernel/unit-of-work';

@ObjectType('Change', { description: 'That an object was created, changed or deleted.' })
class ChangeType {
  @Field(() => objectTypes(), { description: 'Type of the object.' })
  type!: string;

  @Field(() => ID, { description: 'Id of the object.' })
  id!: string;

  @Field(() => changeActions, { description: 'What became of it, in one transaction.' })
  action!: Verb;

  @Field(() => DateTime, { description: 'When, by the clock of the server that did it.' })
  at!: string;

  @Field(() => Node, { nullable: true, description: 'The object as it is now; null when it was deleted.' })
  node!: Row | null;
}

@ObjectType({ description: 'A page of changes, in the order in which they took effect.' })
class ChangePage {
  @Field(() => [ChangeType], {
    description:
      'The changes that are for the caller. A page may hold fewer than were asked for, even none, and have others after it.',
  })
  nodes!: ChangeType[];

  @Field(() => String, { description: 'Where the next page starts: keep it, and give it to `since`.' })
  endCursor!: string;

  @Field({ description: 'Are there more changes already? If not, ask again later.' })
  hasNextPage!: boolean;
}

@Resolver()
export class ChangesResolver {
  @Extensions({ level: 'anonymous' })
  @Query(() => ChangePage, {
    nullable: true,
    description: `All that was created, changed or deleted in the account since a cursor, in the order in which it took effect, so that a program that was away misses nothing. What one transaction did to an object is one change. Changes of rows that all accounts share come before those of the account.

To keep a copy: first ask without \`since\` and keep \`endCursor\`, then read the lists; from then on ask for the changes since the cursor, page by page, and keep the \`endCursor\` of each page once its changes are taken over. A change that the lists held already comes once more, which does no harm: \`node\` is the object as it is now.

Left out are types, objects and deletions of objects that the caller may not see; an object that passes out of the caller's sight without being deleted is not told of. Programs that write into the database themselves are not heard. Changes are kept for so many days (CHANGES_DAYS, 90); an older cursor is an error with code GONE, and then the copy starts over.`,
  })
  async changes(
    @Arg('since', () => String, {
      nullable: true,
      description:
        'The cursor up to which all is known. Without it nothing is answered but the cursor of now.',
    })
    since: string | undefined,
    @Arg('types', () => [objectTypes()], {
      nullable: true,
      description: 'Only changes of these types; all that the caller may read when left out.',
    })
    types: string[] | undefined,
    @Arg('first', () => Int, { defaultValue: 100, description: 'At most so many: 0 to 1000.' }) first: number,
    @Ctx() ctx: Context,
    @Info() info: GraphQLResolveInfo,
  ): Promise<ChangePage> {
    const { changes, ...page } = await readChanges(ctx, { since, types, first });
    const nodes = await Promise.all(changes.map((change) => tell(ctx, info, change)));
    return { ...page, nodes: nodes.filter((node) => node !== undefined) };
  }
}

/** Nothing, when the caller may not see the object, or it is gone since: that is told by a later change. */
async function tell(
  ctx: Context,
  info: GraphQLResolveInfo,
  { entity, pk, id, verb, at }: Change,
): Promise<ChangeType | undefined> {
  const { table: type, name } = entity;
  if (verb === 'removed') return id === null ? undefined : { type, id, action: verb, at, node: null };
  const row = await readReference(ctx, planOf(info, entity, ctx.viewer, ['nodes', 'node']), pk);
  return row
    ? { type, id: row.id, action: verb, at, node: Object.assign(row, { __typename: name }) }
    : undefined;
}

import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Extensions, Field, ID, Info, ObjectType, Query, Resolver } from 'type-graphql';
import { Context } from '../kernel/context';
import { entityOf, Node } from '../kernel/entity';
import { badRequest } from '../kernel/errors';
import { objectTypes } from '../kernel/input-types';
import { levelNames } from '../kernel/levels';
import { readNode, readOne } from '../kernel/read';
import type { Row } from '../kernel/rows';
import { planOf } from '../kernel/selection';

const maxNodes = 100;

/** Questions that are not about one type; made when all types are declared. */
export function nodeResolver(): new () => object {
  @ObjectType({ description: 'The program that calls.' })
  class ViewerKey {
    @Field(() => ID, { description: 'Public id of the key.' })
    id!: string;

    @Field({ description: 'Name of the program.' })
    name!: string;
  }

  @ObjectType({ description: 'Who is calling.' })
  class ViewerInfo {
    @Field(() => levelNames, { description: 'What the caller may do.' })
    level!: string;

    @Field(() => ViewerKey, { description: 'The key that the call came with.' })
    key!: ViewerKey;

    @Field(() => entityOf('account').type, {
      nullable: true,
      description: 'The account that the call is limited to.',
    })
    account!: Row | null;

    @Field(() => entityOf('person').type, { nullable: true, description: 'The person who signed in.' })
    person!: Row | null;
  }

  @Resolver()
  class NodeResolver {
    @Extensions({ level: 'anonymous' })
    @Query(() => Node, { nullable: true, description: 'One object of any type by its id.' })
    async node(
      @Arg('id', () => ID) id: string,
      @Arg('type', () => objectTypes()) type: string,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<Row> {
      const entity = entityOf(type);
      const row = await readOne(ctx, planOf(info, entity, ctx.viewer), id);
      return Object.assign(row, { __typename: entity.name });
    }

    @Extensions({ level: 'anonymous' })
    @Query(() => [Node], {
      nullable: 'items',
      description:
        'Objects of one type by their ids, in the same order; null where there is none for you. At most 100.',
    })
    nodes(
      @Arg('ids', () => [ID]) ids: string[],
      @Arg('type', () => objectTypes()) type: string,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<(Row | null)[]> {
      if (ids.length > maxNodes)
        throw badRequest(`nodes answers at most ${String(maxNodes)} objects at once.`);
      const plan = planOf(info, entityOf(type), ctx.viewer);
      return Promise.all(ids.map((id) => readNode(ctx, plan, id)));
    }

    @Extensions({ level: 'anonymous' })
    @Query(() => ViewerInfo, { description: 'Who is calling, as the server sees it.' })
    async viewer(@Ctx() ctx: Context, @Info() info: GraphQLResolveInfo): Promise<ViewerInfo> {
      const { key, account, person, level } = ctx.viewer;
      const read = (table: string, field: string, id: string | undefined) =>
        id === undefined ? null : readNode(ctx, planOf(info, entityOf(table), ctx.viewer, [field]), id);
      return {
        level,
        key,
        account: await read('account', 'account', account?.id),
        person: level === 'anonymous' ? null : await read('person', 'person', person?.id),
      };
    }
  }
  return NodeResolver;
}

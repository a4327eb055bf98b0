import type { GraphQLResolveInfo } from 'graphql';
import {
  Arg,
  Args,
  Ctx,
  Extensions,
  FieldResolver,
  ID,
  Info,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import { Context } from './context';
import { allEntities, Node, type Entity, type EntityClass } from './entity';
import {
  connectionOf,
  createInputOf,
  createPayloadOf,
  listArgsOf,
  makeDerivedTypes,
  RemoveMethod,
  removePayloadOf,
  updateInputOf,
  updatePayloadOf,
  type ListArgs,
} from './input-types';
import { readAnyReference, readChildren, readConnection, readOne, readReference, type Page } from './read';
import type { Row } from './rows';
import { connectionSelectionOf, planOf } from './selection';
import { toManys, toOnes, targetsOf } from './registry';
import { createObject, removeObject, updateObject, type Input } from './write';

const spaced = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/**
 * The operations that every type has. A type's resolver extends this; to change one operation it overrides the method under its
 * own name, to add one it declares a method with a level of its own.
 */
export function CrudResolver(type: EntityClass) {
  const entity = allEntities().find((known) => known.type === type);
  if (!entity) throw new Error(`${type.name} is not an @Entity`);
  const { single, plural, name, access } = entity;
  const one = spaced(single);

  @Resolver()
  abstract class Crud {
    @Extensions({ level: access.read })
    @Query(() => type, { name: single, nullable: true, description: `One ${one} by id.` })
    one(
      @Arg('id', () => ID, { description: `Id of the ${one}.` }) id: string,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<Row> {
      return readOne(ctx, planOf(info, entity as Entity, ctx.viewer), id);
    }

    @Extensions({ level: access.read })
    @Query(() => connectionOf(entity as Entity), {
      name: plural,
      description: `The ${spaced(plural)} of the account.`,
    })
    list(
      @Args(() => listArgsOf(entity as Entity)) args: ListArgs,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<Page> {
      return readConnection(
        ctx,
        entity as Entity,
        args,
        connectionSelectionOf(info, entity as Entity, ctx.viewer),
      );
    }

    @Extensions({ level: access.create })
    @Mutation(() => createPayloadOf(entity as Entity), {
      name: `create${name}`,
      description: `Makes a new ${one}.`,
    })
    async create(
      @Arg('input', () => createInputOf(entity as Entity), { description: `The new ${one}.` }) input: Input,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<Record<string, Row>> {
      const id = await createObject(ctx, entity as Entity, input);
      return { [single]: await readOne(ctx, planOf(info, entity as Entity, ctx.viewer, [single]), id) };
    }

    @Extensions({ level: access.update })
    @Mutation(() => updatePayloadOf(entity as Entity), {
      name: `update${name}`,
      description: `Changes what is given of the ${one}, and nothing else.`,
    })
    async update(
      @Arg('id', () => ID, { description: `Id of the ${one}.` }) id: string,
      @Arg('input', () => updateInputOf(entity as Entity), { description: 'What changes.' }) input: Input,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<Record<string, Row>> {
      await updateObject(ctx, entity as Entity, id, input);
      return { [single]: await readOne(ctx, planOf(info, entity as Entity, ctx.viewer, [single]), id) };
    }

    @Extensions({ level: access.update })
    @Mutation(() => removePayloadOf(entity as Entity), {
      name: `remove${name}`,
      description: `Hides, disables or deletes the ${one}; deleting needs level ${access.remove}.`,
    })
    async remove(
      @Arg('id', () => ID, { description: `Id of the ${one}.` }) id: string,
      @Arg('method', () => RemoveMethod, {
        defaultValue: RemoveMethod.HIDE,
        description: 'How to remove it.',
      })
      method: RemoveMethod,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<Record<string, Row>> {
      const read = () => readOne(ctx, planOf(info, entity as Entity, ctx.viewer, [single]), id);
      const before = method === RemoveMethod.DELETE ? await read() : undefined;
      await removeObject(ctx, entity as Entity, id, method);
      return { [single]: before ?? (await read()) };
    }
  }
  return Crud;
}

/** The references and connections of every type, as one resolver class a type. Called when all types are declared. */
export function relationResolvers(): (new () => object)[] {
  makeDerivedTypes();
  return allEntities().flatMap((entity) => {
    @Resolver(() => connectionOf(entity))
    class Total {
      @FieldResolver(() => Int, { description: 'How many there are in all; counted when asked.' })
      totalCount(@Root() page: Page): number | Promise<number> {
        return page.total();
      }
    }

    class Relations {}
    const define = (
      field: string,
      type: () => object,
      description: string,
      nullable: boolean,
      resolve: (this: void, ...args: never[]) => unknown,
      args?: Entity,
    ): void => {
      Object.defineProperty(Relations.prototype, field, {
        value: resolve,
        configurable: true,
        writable: true,
      });
      const descriptor = Object.getOwnPropertyDescriptor(Relations.prototype, field) as PropertyDescriptor;
      const { prototype } = Relations;
      Root()(prototype, field, 0);
      Ctx()(prototype, field, 1);
      Info()(prototype, field, 2);
      if (args) Args(() => listArgsOf(args))(prototype, field, 3);
      FieldResolver(type as () => EntityClass, { description, nullable })(prototype, field, descriptor);
    };

    for (const { field, attribute } of toOnes(entity)) {
      const [target] = targetsOf(attribute);
      if (attribute.any)
        define(
          field,
          () => Node,
          `${attribute.doc} The object itself.`,
          true,
          (row: Row, ctx: Context, info: GraphQLResolveInfo) =>
            row[`$${attribute.name}`] == null
              ? null
              : readAnyReference(
                  ctx,
                  (type) => planOf(info, type, ctx.viewer),
                  String(row[`$${attribute.any?.typeAttribute ?? ''}`]),
                  row[`$${attribute.name}`] as number,
                ),
        );
      else if (target)
        define(
          field,
          () => target.type,
          `The ${spaced(target.single)}.`,
          true,
          (row: Row, ctx: Context, info: GraphQLResolveInfo) =>
            row[`$${attribute.name}`] == null
              ? null
              : readReference(ctx, planOf(info, target, ctx.viewer), row[`$${attribute.name}`] as number),
        );
    }
    for (const relation of toManys(entity)) {
      const { field, child } = relation;
      define(
        field,
        () => connectionOf(child),
        `The ${spaced(child.plural)} of this ${spaced(entity.single)}.`,
        false,
        (row: Row, ctx: Context, info: GraphQLResolveInfo, args: ListArgs) =>
          readChildren(ctx, relation, row.$pk, args, connectionSelectionOf(info, child, ctx.viewer)),
        child,
      );
    }
    Resolver(() => entity.type)(Relations);
    return [Relations, Total];
  });
}

import { isObjectType, type GraphQLField, type GraphQLResolveInfo, type GraphQLSchema } from 'graphql';
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
import { changeObjects, createObjects, maxAffected, maxInputs, type BulkResult } from './bulk';
import { Context } from './context';
import { allEntities, Node, type Entity, type EntityClass } from './entity';
import type { Level } from './levels';
import {
  bulkPayloadOf,
  connectionOf,
  createInputOf,
  createPayloadOf,
  filterOf,
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
import { removeObject } from './remove';
import { DateTime } from './scalars';
import { mayWrite } from './tenancy';
import { write, type UnitOfWork } from './unit-of-work';
import { insertObject, lockObject, updateObject, type Locked } from './write';
import type { Input } from './input';

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
  const many = plural.charAt(0).toUpperCase() + plural.slice(1);
  // Who holds what objects of the type lead to is let in, and asked inside.
  const door = (level: Level | 'never'): Level | 'never' =>
    access.holder !== undefined && level !== 'never' ? 'anonymous' : level;
  const FilterArg = () =>
    Arg('filter', () => filterOf(entity), {
      description: `Which ${spaced(plural)}: hidden and disabled ones too, unless it says otherwise. No part of it may be empty.`,
    });

  @Resolver()
  abstract class Crud {
    @Extensions({ level: door(access.read) })
    @Query(() => type, { name: single, nullable: true, description: `One ${one} by id.` })
    one(
      @Arg('id', () => ID, { description: `Id of the ${one}.` }) id: string,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<Row> {
      return readOne(ctx, planOf(info, entity as Entity, ctx.viewer), id);
    }

    @Extensions({ level: door(access.read) })
    @Query(() => connectionOf(entity as Entity), {
      name: plural,
      nullable: true,
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

    @offered(
      access.create,
      Extensions({ level: door(access.create) }),
      Mutation(() => createPayloadOf(entity as Entity), {
        name: `create${name}`,
        description: `Makes a new ${one}.`,
      }),
    )
    async create(
      @Arg('input', () => createInputOf(entity as Entity), { description: `The new ${one}.` }) input: Input,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<Record<string, Row>> {
      mayWrite(ctx, entity as Entity, 'create');
      const id = await write(ctx, (unit) => this.insertOne(unit, input));
      return { [single]: await readOne(ctx, planOf(info, entity as Entity, ctx.viewer, [single]), id) };
    }

    @offered(
      access.create,
      Extensions({ level: door(access.create) }),
      Mutation(() => Boolean, {
        name: `validate${name}`,
        description: `True when create${name} would make this ${one}, else the error that it would give; nothing is written.`,
      }),
    )
    async validate(
      @Arg('input', () => createInputOf(entity as Entity), { description: `The new ${one}.` }) input: Input,
      @Ctx() ctx: Context,
    ): Promise<boolean> {
      mayWrite(ctx, entity as Entity, 'create');
      await write(
        ctx,
        (unit) => this.insertOne(unit, input),
        () => false,
      );
      return true;
    }

    @offered(
      access.update,
      Extensions({ level: door(access.update) }),
      Mutation(() => updatePayloadOf(entity as Entity), {
        name: `update${name}`,
        description: `Changes what is given of the ${one}, and nothing else.`,
      }),
    )
    async update(
      @Arg('id', () => ID, { description: `Id of the ${one}.` }) id: string,
      @Arg('input', () => updateInputOf(entity as Entity), { description: 'What changes.' }) input: Input,
      @Arg('ifUpdatedOn', () => DateTime, ifUpdatedOnOptions) ifUpdatedOn: Date | null | undefined,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<Record<string, Row>> {
      mayWrite(ctx, entity as Entity, 'update');
      await write(ctx, async (unit) =>
        this.changeOne(unit, await lockObject(unit, entity as Entity, id, ifUpdatedOn), input),
      );
      return { [single]: await readOne(ctx, planOf(info, entity as Entity, ctx.viewer, [single]), id) };
    }

    @offered(
      access.update,
      Extensions({ level: door(access.update) }),
      Mutation(() => removePayloadOf(entity as Entity), {
        name: `remove${name}`,
        description: `Hides, disables or deletes the ${one}; deleting needs level ${access.remove}.`,
      }),
    )
    async remove(
      @Arg('id', () => ID, { description: `Id of the ${one}.` }) id: string,
      @Method() method: RemoveMethod,
      @Arg('ifUpdatedOn', () => DateTime, ifUpdatedOnOptions) ifUpdatedOn: Date | null | undefined,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<Record<string, Row>> {
      const read = () => readOne(ctx, planOf(info, entity as Entity, ctx.viewer, [single]), id);
      mayWrite(ctx, entity as Entity, verbOf(method));
      const before = method === RemoveMethod.DELETE ? await read() : undefined;
      await write(ctx, async (unit) =>
        this.removeOne(unit, await lockObject(unit, entity as Entity, id, ifUpdatedOn), method),
      );
      return { [single]: before ?? (await read()) };
    }

    @offered(
      access.create,
      Extensions({ level: door(access.create) }),
      Mutation(() => bulkPayloadOf(entity as Entity), {
        name: `create${many}`,
        description: `Makes new ${spaced(plural)}, ${String(maxInputs)} at most: all of them, or none when one cannot be made.`,
      }),
    )
    createMany(
      @Arg('inputs', () => [createInputOf(entity as Entity)], { description: `The new ${spaced(plural)}.` })
      inputs: Input[],
      @DryRun() dryRun: boolean,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<BulkResult> {
      mayWrite(ctx, entity as Entity, 'create');
      const plan = planOf(info, entity as Entity, ctx.viewer, ['nodes']);
      return createObjects(ctx, plan, { inputs, dryRun }, (unit, input) => this.insertOne(unit, input));
    }

    @offered(
      access.update,
      Extensions({ level: door(access.update) }),
      Mutation(() => bulkPayloadOf(entity as Entity), {
        name: `update${many}`,
        description: `Changes what is given in all ${spaced(plural)} that a filter finds: in all of them, or in none when one cannot be changed.`,
      }),
    )
    updateMany(
      @FilterArg() filter: Input,
      @Arg('input', () => updateInputOf(entity as Entity), { description: 'What changes in each.' })
      input: Input,
      @MaxAffected() maxAffected: number,
      @DryRun() dryRun: boolean,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<BulkResult> {
      mayWrite(ctx, entity as Entity, 'update');
      const plan = planOf(info, entity as Entity, ctx.viewer, ['nodes']);
      return changeObjects(ctx, plan, { filter, maxAffected, dryRun }, (unit, row) =>
        this.changeOne(unit, row, input),
      );
    }

    @offered(
      access.update,
      Extensions({ level: door(access.update) }),
      Mutation(() => bulkPayloadOf(entity as Entity), {
        name: `remove${many}`,
        description: `Hides, disables or deletes all ${spaced(plural)} that a filter finds: all of them, or none when one cannot be removed. Deleting needs level ${access.remove}.`,
      }),
    )
    removeMany(
      @FilterArg() filter: Input,
      @Method() method: RemoveMethod,
      @MaxAffected() maxAffected: number,
      @DryRun() dryRun: boolean,
      @Ctx() ctx: Context,
      @Info() info: GraphQLResolveInfo,
    ): Promise<BulkResult> {
      mayWrite(ctx, entity as Entity, verbOf(method));
      const plan = planOf(info, entity as Entity, ctx.viewer, ['nodes']);
      const gone = method === RemoveMethod.DELETE;
      return changeObjects(ctx, plan, { filter, maxAffected, dryRun, gone }, (unit, row) =>
        this.removeOne(unit, row, method),
      );
    }

    /*
     * What each of the operations above does to one object. A type with rules of its own for writing overrides these, so that
     * there is no way past them.
     */

    insertOne(unit: UnitOfWork, input: Input): Promise<string> {
      return insertObject(unit, entity as Entity, input);
    }

    changeOne(unit: UnitOfWork, before: Locked, input: Input): Promise<void> {
      return updateObject(unit, entity as Entity, before, input);
    }

    removeOne(unit: UnitOfWork, row: Locked, method: RemoveMethod): Promise<void> {
      return removeObject(unit, entity as Entity, row, method);
    }
  }
  return Crud;
}

const verbOf = (method: RemoveMethod): 'remove' | 'update' =>
  method === RemoveMethod.DELETE ? 'remove' : 'update';

const Method = () =>
  Arg('method', () => RemoveMethod, {
    defaultValue: RemoveMethod.HIDE,
    description: 'How to remove it.',
  });

const DryRun = () =>
  Arg('dryRun', () => Boolean, {
    defaultValue: false,
    description: 'True: does it all, answers what came of it, and takes it back.',
  });

const MaxAffected = () =>
  Arg('maxAffected', () => Int, {
    defaultValue: 100,
    description: `When the filter finds more, nothing changes: 1 to ${String(maxAffected)}. What goes along with a deleted object does not count.`,
  });
const ifUpdatedOnOptions = {
  nullable: true,
  description:
    'Only when nobody has changed it meanwhile: its `updatedOn` as it was read. Otherwise the error is PRECONDITION_FAILED.',
};

/** Declares an operation, unless no caller has it. */
const offered =
  (level: Level | 'never', ...decorators: MethodDecorator[]): MethodDecorator =>
  (...method) => {
    if (level !== 'never') for (const decorate of decorators) decorate(...method);
  };

type Resolve = (row: Row, args: ListArgs, ctx: Context, info: GraphQLResolveInfo) => unknown;

/** A field that leads from an object to others. */
interface Relation {
  field: string;
  type: () => object;
  description: string;
  /** Takes the arguments of a connection to this type. */
  listOf?: Entity;
  resolve: Resolve;
}

function relationsOf(entity: Entity): Relation[] {
  const ones = toOnes(entity).map(({ field, attribute }): Relation => {
    const { name, any, doc } = attribute;
    const [target] = targetsOf(attribute);
    if (any || !target)
      return {
        field,
        type: () => Node,
        description: `${doc} The object itself.`,
        resolve: (row, _args, ctx, info) => {
          const type = String(row[`$${any?.typeAttribute ?? ''}`]);
          const pk = row[`$${name}`] as number | null;
          return !pk ? null : readAnyReference(ctx, (found) => planOf(info, found, ctx.viewer), type, pk);
        },
      };
    return {
      field,
      type: () => target.type,
      description: `The ${spaced(target.single)}.`,
      resolve: (row, _args, ctx, info) => {
        const pk = row[`$${name}`] as number | null;
        return !pk ? null : readReference(ctx, planOf(info, target, ctx.viewer), pk);
      },
    };
  });
  const manys = toManys(entity).map((relation): Relation => {
    const { field, child } = relation;
    return {
      field,
      type: () => connectionOf(child),
      description: `The ${spaced(child.plural)} of this ${spaced(entity.single)}.`,
      listOf: child,
      resolve: (row, args, ctx, info) =>
        readChildren(ctx, relation, row.$pk, args, connectionSelectionOf(info, child, ctx.viewer)),
    };
  });
  return [...ones, ...manys];
}

/**
 * Declares the references and connections of every type to TypeGraphQL, which makes their part of the schema; see
 * {@link bindRelations} for what runs. Called when all types are declared.
 */
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
    const { prototype } = Relations;
    for (const { field, type, description, listOf, resolve } of relationsOf(entity)) {
      const descriptor = { value: resolve, configurable: true, writable: true };
      Object.defineProperty(prototype, field, descriptor);
      if (listOf) Args(() => listArgsOf(listOf))(prototype, field, 0);
      // Nullable, all of them: what a caller may not see is an error of its own, and leaves the rest of the answer as it is.
      FieldResolver(type as () => EntityClass, { description, nullable: true })(prototype, field, descriptor);
    }
    Resolver(() => entity.type)(Relations);
    return [Relations, Total];
  });
}

/**
 * Puts the relations' functions into the schema in place of TypeGraphQL's wrappers, which would make instances of every argument
 * for every parent.
 */
export function bindRelations(schema: GraphQLSchema): void {
  for (const entity of allEntities()) {
    const type = schema.getType(entity.name);
    if (!isObjectType(type)) continue;
    const fields = type.getFields();
    for (const { field, resolve } of relationsOf(entity))
      (fields[field] as GraphQLField<Row, Context>).resolve = resolve as never;
  }
}

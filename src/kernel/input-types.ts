import { ArgsType, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { GraphQLBoolean, GraphQLFloat, GraphQLString, type GraphQLScalarType } from 'graphql';
import type { Attribute, Kind } from './attributes';
import type { Affected, BulkError, BulkResult } from './bulk';
import { allEntities, graphType, type Entity } from './entity';
import { errorCodes, type ErrorCode } from './errors';
import { allToManys, perEntity, toManys, toOnes, targetsOf } from './registry';
import { DateTime, JsonValue, SafeInt } from './scalars';
import type { Verb } from './unit-of-work';

type Class = new () => object;

type FieldOptions = { nullable?: boolean; description: string; defaultValue?: unknown };

const addField = (target: Class, name: string, type: () => unknown, options: FieldOptions): void =>
  Field(type as () => Class, { simple: true, ...options })(target.prototype as object, name);

/* ---- filters ---- */

export enum EnabledFilter {
  ENABLED = 'enabled',
  NOT_ENABLED = 'not_enabled',
  ALL = 'all',
}
registerEnumType(EnabledFilter, {
  name: 'EnabledFilter',
  description: 'Which objects by their switch `enable`.',
});

export enum HiddenFilter {
  NOT_HIDDEN = 'not_hidden',
  HIDDEN = 'hidden',
  ALL = 'all',
}
registerEnumType(HiddenFilter, { name: 'HiddenFilter', description: 'Which objects by their mark `hide`.' });

export enum OrderDirection {
  ASC = 'ASC',
  DESC = 'DESC',
}
registerEnumType(OrderDirection, {
  name: 'OrderDirection',
  description: 'Objects without a value come last in both directions.',
});

/** Operators of one field, with what they mean; `$` stands for a value of the field's type. */
const operators = {
  eq: ['$', 'Equal.'],
  ne: ['$', 'Not equal; an object without a value is neither.'],
  gt: ['$', 'Greater.'],
  gte: ['$', 'Greater or equal.'],
  lt: ['$', 'Less.'],
  lte: ['$', 'Less or equal.'],
  in: ['[$]', 'One of these; an empty list matches nothing.'],
  notIn: ['[$]', 'None of these.'],
  isNull: ['bool', 'True: without a value; false: with one.'],
  isNotNull: ['bool', 'True: with a value; false: without one.'],
  like: ['text', 'Matches a pattern in which `%` stands for any text and `_` for one character.'],
  contains: ['text', 'Contains this text.'],
  startsWith: ['text', 'Starts with this text.'],
  endsWith: ['text', 'Ends with this text.'],
} as const satisfies Record<string, readonly ['$' | '[$]' | 'bool' | 'text', string]>;

export type Operator = keyof typeof operators;

const comparing: Operator[] = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'notIn', 'isNull', 'isNotNull'];
const matching: Operator[] = ['like', 'contains', 'startsWith', 'endsWith'];
const identifying: Operator[] = ['eq', 'ne', 'in', 'notIn', 'isNull', 'isNotNull'];

/** Which filter a kind of attribute has; the operators that make sense for it. */
const filterKinds = {
  StringFilter: { type: GraphQLString, operators: [...comparing, ...matching] },
  IdFilter: { type: ID, operators: identifying },
  IntFilter: { type: Int, operators: comparing },
  SafeIntFilter: { type: SafeInt, operators: comparing },
  FloatFilter: { type: GraphQLFloat, operators: comparing },
  BooleanFilter: { type: GraphQLBoolean, operators: identifying },
  DateTimeFilter: { type: DateTime, operators: comparing },
  JsonFilter: { type: GraphQLString, operators: ['isNull', 'isNotNull', ...matching] },
} as const satisfies Record<string, { type: GraphQLScalarType; operators: readonly Operator[] }>;

const filterNameOf = (kind: Kind): keyof typeof filterKinds => {
  const names: Partial<Record<Kind, keyof typeof filterKinds>> = {
    id: 'IdFilter',
    ref: 'IdFilter',
    anyId: 'IdFilter',
    int: 'IntFilter',
    bigint: 'SafeIntFilter',
    float: 'FloatFilter',
    decimal: 'FloatFilter',
    bool: 'BooleanFilter',
    datetime: 'DateTimeFilter',
    json: 'JsonFilter',
  };
  return names[kind] ?? 'StringFilter';
};

/** The operators that a filter on this attribute takes. */
export const operatorsOf = ({ kind }: Attribute): readonly Operator[] =>
  filterKinds[filterNameOf(kind)].operators;

const scalarFilters = new Map(
  Object.entries(filterKinds).map(([name, { type, operators: names }]) => {
    const filter = class {};
    for (const operator of names) {
      const [takes, description] = operators[operator];
      const shapes = { $: type, '[$]': [type], bool: GraphQLBoolean, text: GraphQLString };
      addField(filter, operator, () => shapes[takes], { nullable: true, description });
    }
    InputType(name, { description: 'All conditions given must hold.' })(filter);
    return [name, filter] as const;
  }),
);

/** May the attribute be filtered and sorted by anyone at all? */
export const isComparable = ({ read }: Attribute): boolean => read !== 'never';

export const filterOf = perEntity((entity): Class => {
  const filter = class {};
  const name = `${entity.name}Filter`;
  addField(filter, 'and', () => [filter], { nullable: true, description: 'All of these hold.' });
  addField(filter, 'or', () => [filter], { nullable: true, description: 'At least one of these holds.' });
  addField(filter, 'not', () => filter, { nullable: true, description: 'This does not hold.' });
  if (entity.attributes.has('defaultQryStr'))
    addField(filter, 'q', () => GraphQLString, {
      nullable: true,
      description: 'Each of these words is found, or begins one that is.',
    });
  for (const attribute of entity.attributes.values())
    if (isComparable(attribute))
      addField(filter, attribute.name, () => scalarFilters.get(filterNameOf(attribute.kind)), {
        nullable: true,
        description: attribute.doc,
      });
  for (const { field, attribute } of toOnes(entity)) {
    const [target] = targetsOf(attribute);
    if (attribute.ref && target)
      addField(filter, field, () => filterOf(target), {
        nullable: true,
        description: `There is such ${target.single}, you may read it, and this holds for it.`,
      });
  }
  for (const { field, child } of toManys(entity))
    addField(filter, field, () => listFilterOf(child), {
      nullable: true,
      description: `Conditions on the ${child.plural} that you may read.`,
    });
  InputType(name, { description: `Conditions on ${entity.plural}; all that are given must hold.` })(filter);
  return filter;
});

const listFilterOf = perEntity((entity): Class => {
  const filter = class {};
  addField(filter, 'some', () => filterOf(entity), {
    nullable: true,
    description: 'Holds for at least one.',
  });
  addField(filter, 'none', () => filterOf(entity), { nullable: true, description: 'Holds for none.' });
  addField(filter, 'every', () => filterOf(entity), {
    nullable: true,
    description: 'Holds for each; true where there are none.',
  });
  InputType(`${entity.name}ListFilter`, { description: `Conditions on a list of ${entity.plural}.` })(filter);
  return filter;
});

/* ---- order ---- */

const orderOf = perEntity((entity): Class => {
  const fields = Object.fromEntries(
    [...entity.attributes.values()]
      .filter(isComparable)
      .map(({ column, name }) => [orderField(column), name]),
  );
  registerEnumType(fields, {
    name: `${entity.name}OrderField`,
    description: `What ${entity.plural} can be sorted by.`,
  });
  const order = class {};
  addField(order, 'field', () => fields, { description: 'What to sort by.' });
  addField(order, 'direction', () => OrderDirection, {
    defaultValue: OrderDirection.ASC,
    description: 'Ascending unless given.',
  });
  InputType(`${entity.name}Order`, { description: `One step of an order of ${entity.plural}.` })(order);
  return order;
});

/** `start_datetime` -> `START_DATETIME`; `id_random` is `ID`. */
const orderField = (column: string): string => (column === 'id_random' ? 'ID' : column.toUpperCase());

/* ---- arguments ---- */

export interface OrderStep {
  field: string;
  direction: 'ASC' | 'DESC';
}

/** The arguments of every connection. */
export interface ListArgs {
  filter?: Record<string, unknown> | null;
  orderBy?: OrderStep[] | null;
  q?: string | null;
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
  offset?: number | null;
  enabled: EnabledFilter;
  hidden: HiddenFilter;
  updatedSince?: Date | null;
}

export const listArgsOf = perEntity((entity): Class => {
  const args = class {};
  const optional = (name: keyof ListArgs, type: () => unknown, description: string): void =>
    addField(args, name, type, { nullable: true, description });
  optional('filter', () => filterOf(entity), 'Only those for which this holds.');
  optional('orderBy', () => [orderOf(entity)], 'Most important first. Default: priority, sort, name.');
  optional('q', () => GraphQLString, 'Only those in which each of these words is found, or begins one.');
  optional(
    'first',
    () => Int,
    'At most so many from the start, or after `after`: 1 to 1000, 100 by default.',
  );
  optional('after', () => GraphQLString, 'Continue after the object with this cursor.');
  optional('last', () => Int, 'At most so many from the end, or before `before`: 1 to 1000.');
  optional('before', () => GraphQLString, 'Continue before the object with this cursor, with `last`.');
  optional('offset', () => Int, 'Leave out so many; at most 25000: cursors go further, and are faster.');
  addField(args, 'enabled', () => EnabledFilter, {
    defaultValue: EnabledFilter.ENABLED,
    description: 'Which by their switch `enable`.',
  });
  addField(args, 'hidden', () => HiddenFilter, {
    defaultValue: HiddenFilter.NOT_HIDDEN,
    description: 'Which by their mark `hide`.',
  });
  optional('updatedSince', () => DateTime, 'Only those created or changed at this moment or later.');
  ArgsType()(args);
  return args;
});

/* ---- connections ---- */

@ObjectType({ description: 'Where a page lies in its list.' })
export class PageInfo {
  @Field({ simple: true, description: 'Is there more after this page?' })
  hasNextPage!: boolean;

  @Field({ simple: true, description: 'Is there more before this page?' })
  hasPreviousPage!: boolean;

  @Field(() => String, {
    simple: true,
    nullable: true,
    description: 'Cursor of the first object of the page.',
  })
  startCursor!: string | null;

  @Field(() => String, {
    simple: true,
    nullable: true,
    description: 'Cursor of the last object of the page.',
  })
  endCursor!: string | null;
}

export const connectionOf = perEntity((entity): Class => {
  const edge = class {};
  addField(edge, 'cursor', () => GraphQLString, { description: 'Opaque; give it to `after` or `before`.' });
  addField(edge, 'node', () => entity.type, { description: 'The object.' });
  ObjectType(`${entity.name}Edge`, {
    description: `One of ${entity.plural}, with its place.`,
    simpleResolvers: true,
  })(edge);

  const connection = class {};
  addField(connection, 'edges', () => [edge], { description: 'The objects of the page with their cursors.' });
  addField(connection, 'nodes', () => [entity.type], { description: 'The objects of the page.' });
  addField(connection, 'pageInfo', () => PageInfo, { description: 'Where the page lies.' });
  ObjectType(`${entity.name}Connection`, {
    description: `A page of ${entity.plural}.`,
    simpleResolvers: true,
  })(connection);
  return connection;
});

/* ---- inputs and payloads ---- */

/** May a caller give this attribute a value? */
export const isWritable = ({ kind, sql, write }: Attribute): boolean =>
  kind !== 'id' && sql === undefined && write !== 'server';

/** Must a caller give it when the object is created? What comes from another reference need not be given. */
export const isRequired = (attribute: Attribute): boolean =>
  isWritable(attribute) &&
  !attribute.nullable &&
  attribute.default === undefined &&
  attribute.kind !== 'bool' &&
  !attribute.ref?.through;

const inputOf = (entity: Entity, verb: 'Create' | 'Update'): Class => {
  const input = class {};
  for (const attribute of entity.attributes.values())
    if (isWritable(attribute))
      addField(input, attribute.name, () => graphType(attribute.kind), {
        nullable: verb === 'Update' || !isRequired(attribute),
        description: attribute.max
          ? `${attribute.doc} At most ${String(attribute.max)} characters.`
          : attribute.doc,
      });
  InputType(`${verb}${entity.name}Input`, {
    description: verb === 'Create' ? `A new ${entity.single}.` : 'Only what is given changes; null clears.',
  })(input);
  return input;
};

export const createInputOf = perEntity((entity) => inputOf(entity, 'Create'));
export const updateInputOf = perEntity((entity) => inputOf(entity, 'Update'));

export enum RemoveMethod {
  HIDE = 'hide',
  DISABLE = 'disable',
  DELETE = 'delete',
}
registerEnumType(RemoveMethod, {
  name: 'RemoveMethod',
  description: 'How to remove an object.',
  valuesConfig: {
    HIDE: { description: 'Marks it hidden.' },
    DISABLE: { description: 'Switches it off.' },
    DELETE: { description: 'Deletes it, and what belongs to it, for good.' },
  },
});

const payloadOf = (entity: Entity, verb: 'Create' | 'Update' | 'Remove', description: string): Class => {
  const payload = class {};
  addField(payload, entity.single, () => entity.type, { nullable: true, description });
  ObjectType(`${verb}${entity.name}Payload`, {
    description: `What came of it.`,
    simpleResolvers: true,
  })(payload);
  return payload;
};

export const createPayloadOf = perEntity((entity) => payloadOf(entity, 'Create', 'The new object.'));
export const updatePayloadOf = perEntity((entity) => payloadOf(entity, 'Update', 'The object as it is now.'));
export const removePayloadOf = perEntity((entity) =>
  payloadOf(entity, 'Remove', 'The object as it is now, or as it was before it was deleted.'),
);

/* ---- many at once, and what changed ---- */

/** An enum of object types, one spelling everywhere: that of the database and of REST; asked when all are declared. */
function enumOfTypes(
  name: string,
  description: string,
  includes: (entity: Entity) => boolean,
): () => Record<string, string> {
  let types: Record<string, string> | undefined;
  return () => {
    if (types) return types;
    const names = allEntities().filter(includes);
    types = Object.fromEntries(names.map(({ table }) => [table, table]));
    registerEnumType(types, { name, description });
    return types;
  };
}

export const objectTypes = enumOfTypes('ObjectType', 'The object types.', () => true);

/** The types whose objects have a passcode for their owner. */
export const holderTypes = enumOfTypes(
  'HolderType',
  'The object types that have a passcode for their owner.',
  ({ attributes }) => [...attributes.values()].some(({ opens }) => opens),
);

export const changeActions = {
  CREATED: 'created',
  UPDATED: 'updated',
  REMOVED: 'removed',
} as const satisfies Record<string, Verb>;
registerEnumType(changeActions, {
  name: 'ChangeAction',
  description: 'What became of an object.',
  valuesConfig: {
    CREATED: { description: 'It is new.' },
    UPDATED: { description: 'It changed; hiding and disabling are changes.' },
    REMOVED: { description: 'It was deleted for good.' },
  },
});

const errorNames = Object.fromEntries(Object.keys(errorCodes).map((code) => [code, code]));
registerEnumType(errorNames, {
  name: 'ErrorCode',
  description: 'Every way a call can fail; what `extensions.code` of an error holds.',
});

@ObjectType('BulkError', {
  description: 'Why one of many objects could not be written.',
  simpleResolvers: true,
})
class BulkErrorType implements BulkError {
  @Field(() => Int, { nullable: true, description: 'Which of the inputs it is about, from 0.' })
  index?: number;

  @Field(() => ID, { nullable: true, description: 'Which object it is about, when it is there already.' })
  id?: string;

  @Field(() => errorNames, { description: 'What kind of mistake it is.' })
  code!: ErrorCode;

  @Field(() => GraphQLString, { description: 'What is wrong.' })
  message!: string;

  @Field(() => JsonValue, {
    nullable: true,
    description: 'Message of each field that is wrong, by its name.',
  })
  fields?: Record<string, string>;
}

@ObjectType('AffectedObjects', {
  description: 'How many objects of one type changed in one way.',
  simpleResolvers: true,
})
class AffectedType implements Affected {
  @Field(() => objectTypes(), { description: 'Type of the objects.' })
  type!: string;

  @Field(() => changeActions, { description: 'What became of them.' })
  action!: Verb;

  @Field(() => Int, { description: 'How many they are.' })
  count!: number;
}

export const bulkPayloadOf = perEntity((entity): Class => {
  const payload = class {};
  const field = (name: keyof BulkResult, type: () => unknown, description: string): void =>
    addField(payload, name, type, { description });
  field(
    'nodes',
    () => [entity.type],
    'The objects as they are now, as a dry run would leave them, or as they were before they were deleted; new ones in the order of their inputs. None where a dry run would make them: nothing has their ids.',
  );
  field('count', () => Int, 'How many were found or given, and written; 0 when there are errors.');
  field(
    'affected',
    () => [AffectedType],
    'All that changed by it, these objects and what belongs or refers to them, by type; in a dry run all that would.',
  );
  field(
    'errors',
    () => [BulkErrorType],
    'What is wrong with each object that cannot be written. When there are any, nothing was.',
  );
  ObjectType(`${entity.name}BulkPayload`, {
    description: `What came of writing several ${entity.plural} at once: all of them were written, or none.`,
    simpleResolvers: true,
  })(payload);
  return payload;
});

/** Makes every derived type: they must all be there before the schema is built. */
export function makeDerivedTypes(): void {
  objectTypes();
  holderTypes();
  const makers = [filterOf, orderOf, listArgsOf, connectionOf, createInputOf, updateInputOf];
  for (const entity of allEntities())
    for (const make of [...makers, createPayloadOf, updatePayloadOf, removePayloadOf, bulkPayloadOf])
      make(entity);
  for (const { child } of allToManys()) listFilterOf(child);
}

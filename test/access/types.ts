import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { allEntities, type Entity } from '../../src/kernel/entity';
import { targetsOf, toManys, toOnes } from '../../src/kernel/registry';
import { ruleOf } from './expectations';
import { rows, type Link } from './world';

/** An object type, as the schema has it. */
export interface TypeOf {
  entity: Entity;
  table: string;
  name: string;
  /** Names of its root fields. */
  single: string;
  plural: string;
  scalars: string[];
  relations: Relation[];
}

/** A field that leads to other objects. */
export interface Relation {
  field: string;
  link: Link;
  /** Tables that it may lead to. */
  targets: string[];
}

/** @throws Error where the schema has something that the crawler does not know what to ask about. */
export function typesOf(schema: GraphQLSchema): TypeOf[] {
  const roots = Object.values(schema.getQueryType()!.getFields());
  return Object.values(schema.getTypeMap())
    .filter(isNode)
    .map((type): TypeOf => {
      const { name } = type;
      const entity = allEntities().find((each) => each.name === name)!;
      ruleOf(entity.table);
      const rootOf = (answer: string) => roots.find((field) => String(field.type) === answer)!.name;
      const fields = Object.values(type.getFields());
      const isScalar = (field: (typeof fields)[number]) => isLeafType(getNamedType(field.type));
      return {
        entity,
        table: entity.table,
        name,
        single: rootOf(name),
        plural: rootOf(`${name}Connection`),
        scalars: fields.filter(isScalar).map((field) => field.name),
        relations: fields.filter((field) => !isScalar(field)).map((field) => relationOf(entity, field.name)),
      };
    });
}

const isNode = (type: unknown): type is GraphQLObjectType =>
  isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Node');

function relationOf(entity: Entity, field: string): Relation {
  const attribute = toOnes(entity).find((each) => each.field === field)?.attribute;
  if (attribute) {
    const targets = targetsOf(attribute).map(({ table }) => table);
    const isAnything = attribute.any && !attribute.any.types;
    return {
      field,
      link: { attribute: attribute.name },
      // What may belong to any object belongs to one of these in the fixture.
      targets: isAnything ? ['event', 'page', 'site'] : targets,
    };
  }
  const many = toManys(entity).find((each) => each.field === field);
  if (!many) throw new Error(`${entity.name}.${field} leads somewhere: tell the crawler where to.`);
  const { child, attribute: back } = many;
  return { field, link: { child: child.table, attribute: back.name }, targets: [child.table] };
}

/** Fragments with every scalar field of some types: `allEvent`. */
export const fragmentsOf = (types: Iterable<TypeOf>): string =>
  [...new Set(types)]
    .map(({ name, scalars }) => `fragment all${name} on ${name} { ${scalars.join(' ')} }`)
    .join('\n');

/** Arguments for all that there is of anything. */
export const whole = `first: ${String(rows * 3)}, enabled: ALL, hidden: ALL`;

/** Portions of a list that weigh so much at most, and are so many: a document has its limits. */
export function* inPortions<T>(
  list: readonly T[],
  weigh: (item: T) => number,
  { most = 3000, count = 95 } = {},
): Generator<T[]> {
  let portion: T[] = [];
  let weight = 0;
  for (const item of list) {
    const added = weigh(item);
    if (portion.length > 0 && (weight + added > most || portion.length === count)) {
      yield portion;
      [portion, weight] = [[], 0];
    }
    portion.push(item);
    weight += added;
  }
  if (portion.length > 0) yield portion;
}

/** How many tokens a piece of a document has. */
export const tokensOf = (text: string): number => text.match(/\w+|[^\s\w]/g)?.length ?? 0;

/** A field with the least that it must be given, and the least that can be asked of it. */
export function leastOf(field: GraphQLField<unknown, unknown>, id: string): string {
  const args = field.args
    .filter(isRequiredArgument)
    .map(({ name, type }) => `${name}: ${literalOf(type, id)}`);
  const selection = isLeafType(getNamedType(field.type)) ? '' : '{ __typename }';
  return `${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''} ${selection}`;
}

function literalOf(type: GraphQLInputType, id: string): string {
  if (isNonNullType(type)) return literalOf(type.ofType, id);
  if (isListType(type)) return `[${literalOf(type.ofType, id)}]`;
  if (isEnumType(type)) return type.getValues()[0]!.name;
  if (isInputObjectType(type)) {
    const needed = Object.values(type.getFields()).filter(isRequiredInputField);
    return `{ ${needed.map((field) => `${field.name}: ${literalOf(field.type, id)}`).join(', ')} }`;
  }
  const literals: Record<string, string> = { Int: '1', Float: '1', Boolean: 'true' };
  return literals[type.name] ?? `"${id}"`;
}

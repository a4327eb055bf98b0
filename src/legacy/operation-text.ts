import {
  astFromValue,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  parse,
  print,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { allEntities } from '../kernel/entity';

/** An operation of the graph, ready to be sent but for what only its sender knows. */
export interface OperationText {
  /** What it was given as. */
  name: string;
  document: string;
  variables: Record<string, unknown>;
}

/** Stands in variables for what the sender has to put there. */
const blank = '\u2026';

/** Arguments of a list that old programs have a word for; it takes more. */
const ofLists = ['filter', 'orderBy', 'first', 'offset'];

/** Writes out an operation that is given as in `query events`: all that its root field answers, but for what leads to other objects. */
export function operationText(
  schema: GraphQLSchema,
  operation: string,
  filter?: Record<string, unknown>,
): OperationText {
  const [kind = '', name = ''] = operation.split(' ');
  const root = kind === 'mutation' ? schema.getMutationType() : schema.getQueryType();
  const field = root?.getFields()[name];
  if (!field) throw new Error(`There is no ${operation} in the schema.`);
  const type = getNamedType(field.type);
  const isList = isObjectType(type) && type.name.endsWith('Connection');
  const taken = field.args.filter((each) => !isList || ofLists.includes(each.name));
  taken.sort((a, b) => Number(isRequiredArgument(b)) - Number(isRequiredArgument(a)));
  const declared = taken.map((each) => `$${each.name}: ${String(each.type)}${defaultOf(each)}`).join(', ');
  const given = taken.map((each) => `${each.name}: $${each.name}`).join(', ');
  const [head, args] = taken.length > 0 ? [`(${declared})`, `(${given})`] : ['', ''];
  const text = `${kind} ${name.charAt(0).toUpperCase()}${name.slice(1)}${head} { ${name}${args} ${isObjectType(type) ? selectionOf(type, isList ? 2 : 1) : ''} }`;
  const variables = taken
    .filter((each) => (isList ? each.name === 'first' : each.defaultValue === undefined))
    .map((each) => [each.name, each.name === 'first' ? 100 : exampleOf(each)] as const);
  return {
    name: operation,
    document: print(parse(text)),
    variables: { ...Object.fromEntries(variables), ...(filter && { filter }) },
  };
}

const types = new Map<string, boolean>();

/** Is it the type of objects, whose fields lead to others? */
function isEntity({ name }: GraphQLObjectType): boolean {
  const known = types.get(name) ?? allEntities().some((each) => each.name === name);
  types.set(name, known);
  return known;
}

/** Values, and of what is no object of its own also what it holds. */
function selectionOf(type: GraphQLObjectType, depth: number): string {
  const fields = Object.values(type.getFields()).filter(isPlain);
  const parts = fields.flatMap((field) => {
    const inner = getNamedType(field.type);
    if (isLeafType(inner)) return [field.name];
    if (!isObjectType(inner) || isEntity(type) || depth === 0) return [];
    return [`${field.name} ${selectionOf(inner, depth - 1)}`];
  });
  return `{ ${parts.join(' ')} }`;
}

/** Of pages: those who go on from page to page do not go back, and need no cursor of each object. */
const ofPages = new Set(['edges', 'hasPreviousPage', 'startCursor']);

const isPlain = (field: GraphQLField<unknown, unknown>): boolean =>
  field.deprecationReason == null && !ofPages.has(field.name) && !field.args.some(isRequiredArgument);

function defaultOf({ type, defaultValue }: GraphQLArgument): string {
  const value = defaultValue === undefined ? undefined : astFromValue(defaultValue, type);
  return value ? ` = ${print(value)}` : '';
}

/** An example; null where it may be left out. */
function exampleOf({ type }: { type: GraphQLInputType }): unknown {
  const inner = getNullableType(type);
  return inner === type ? null : exampleOfType(inner);
}

function exampleOfType(type: GraphQLInputType): unknown {
  if (isListType(type)) return [];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type))
    return Object.fromEntries(
      Object.values(type.getFields())
        .filter(isRequiredInputField)
        .map((field) => [field.name, exampleOf(field)]),
    );
  switch (getNamedType(type).name) {
    case 'Int':
    case 'Float':
    case 'SafeInt':
      return 1;
    case 'Boolean':
      return false;
    default:
      return blank;
  }
}

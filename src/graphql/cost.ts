import {
  getNamedType,
  getOperationAST,
  GraphQLError,
  isInterfaceType,
  isLeafType,
  isObjectType,
  Kind,
  type DocumentNode,
  type GraphQLSchema,
  type GraphQLNamedType,
  type TypeNode,
} from 'graphql';
import { fieldExtensionsEstimator, getComplexity, type ComplexityEstimator } from 'graphql-query-complexity';
import { LRUCache } from 'lru-cache';
import { AetherError, badRequest } from '../kernel/errors';
import { defaultPage } from '../kernel/read';
import type { Variables } from './execute';

/** What an operation may cost, and what it costs: rows that it may read, and what writing them is worth. */
export interface Cost {
  requested: number;
  limit: number;
}

/**
 * Tells what an operation costs with its variables, before it runs; undefined when the variables are none that it takes.
 * @throws LIMIT_EXCEEDED, and BAD_REQUEST for an argument that its field does not take
 */
export type Costs = (
  document: DocumentNode,
  variables: Variables,
  operationName?: string,
) => Cost | undefined;

/** A write is worth so many rows read: it locks, checks, and writes its index and its change. */
const write = 100;

/** Of one operation: the variables that its cost may depend on, by their size or by being null, and what it costs with them. */
interface Known {
  deciding: { name: string; bySize: boolean }[];
  costs: LRUCache<string, number>;
}

export function createCosts(schema: GraphQLSchema, limit: number): Costs {
  const estimators = [fieldExtensionsEstimator(), estimatorFor(schema)];
  const known = new WeakMap<DocumentNode, Map<string, Known>>();

  function knownOf(document: DocumentNode, operationName: string): Known {
    let operations = known.get(document);
    if (!operations) known.set(document, (operations = new Map<string, Known>()));
    let found = operations.get(operationName);
    if (!found) {
      const { variableDefinitions = [] } = getOperationAST(document, operationName || null) ?? {};
      const deciding = variableDefinitions
        .filter(({ type }) => type.kind !== Kind.NON_NULL_TYPE || mayDecide(type))
        .map(({ type, variable }) => ({ name: variable.name.value, bySize: mayDecide(type) }));
      operations.set(operationName, (found = { deciding, costs: new LRUCache({ max: 100 }) }));
    }
    return found;
  }

  function estimate(query: DocumentNode, variables: Variables, operationName: string): number | undefined {
    try {
      const name = operationName || undefined;
      return getComplexity({ schema, query, variables, estimators, ...(name && { operationName: name }) });
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      // The executor reads the variables too, and tells what is wrong with them.
      if (error.nodes?.every(({ kind }) => kind === Kind.VARIABLE_DEFINITION)) return undefined;
      // Of an argument it would refuse but one field, and do everything else unpriced.
      if (error.nodes) throw badRequest(error.message);
      throw new AetherError('LIMIT_EXCEEDED', 'With all its fragments the document has too many fields.');
    }
  }

  return (document, variables, operationName = '') => {
    const { deciding, costs } = knownOf(document, operationName);
    const key =
      deciding.length === 0
        ? ''
        : deciding
            .map(({ name, bySize }) =>
              variables[name] === null ? 'null' : bySize ? sizeOf(variables[name]) : '',
            )
            .join();
    let requested = costs.get(key);
    if (requested === undefined) {
      requested = estimate(document, variables, operationName);
      if (requested === undefined) return undefined;
      costs.set(key, requested);
    }
    if (requested > limit)
      throw new AetherError(
        'LIMIT_EXCEEDED',
        `This may read ${String(requested)} rows, and ${String(limit)} are allowed: ask for smaller pages (first), above all in lists within lists.`,
        { requested, limit },
      );
    return { requested, limit };
  };
}

/** Numbers are sizes of pages, flags leave parts out, texts are searched for or not, and lists have lengths; nothing else counts. */
function mayDecide(type: TypeNode): boolean {
  if (type.kind === Kind.NON_NULL_TYPE) return mayDecide(type.type);
  if (type.kind === Kind.LIST_TYPE) return true;
  return ['Int', 'Boolean', 'String'].includes(type.name.value);
}

function sizeOf(value: unknown): string {
  if (Array.isArray(value)) return `[${String(value.length)}]`;
  if (typeof value === 'string') return value === '' ? '' : 'text';
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/**
 * An object is a row; a list multiplies what is below it by its page; a count, and a search for words, are worth as much as the
 * page again. What else an operation takes is declared as its `complexity`.
 */
function estimatorFor(schema: GraphQLSchema): ComplexityEstimator {
  const mutations = schema.getMutationType();
  return ({ type, field, args, childComplexity: below }) => {
    const answered = getNamedType(field.type) as GraphQLNamedType;
    if (isLeafType(answered) && type !== mutations) return field.name === 'totalCount' ? 1 : 0;
    const each = isRow(answered) ? below + 1 : below;
    const size = sizeOfList(
      args,
      field.args.some(({ name }) => name === 'first'),
    );
    if (type === mutations) return size * (each + write);
    return size * (args.q ? each + 1 : each);
  };
}

const isRow = (type: GraphQLNamedType): boolean =>
  isInterfaceType(type) || (isObjectType(type) && type.getInterfaces().length > 0);

/** How many a field may answer, or write, at most. */
function sizeOfList(args: Record<string, unknown>, isPaged: boolean): number {
  const { first, last, inputs, ids, maxAffected } = args;
  if (isPaged) return Math.max(1, Number(first ?? last ?? defaultPage));
  const list = inputs ?? ids;
  if (Array.isArray(list)) return Math.max(1, list.length);
  return typeof maxAffected === 'number' ? Math.max(1, maxAffected) : 1;
}

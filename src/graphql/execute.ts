import { execute, GraphQLError, type DocumentNode, type ExecutionResult, type GraphQLSchema } from 'graphql';
import { compileQuery, isCompiledQuery, type CompiledQuery } from 'graphql-jit';
import type { Context } from '../kernel/context';
import { AetherError } from '../kernel/errors';

export type Variables = Record<string, unknown>;

/** Runs parsed and validated documents; every door comes through here, so errors look the same behind each. */
export interface Executor {
  run(document: DocumentNode, variables: Variables, ctx: Context, operationName?: string): Promise<ExecutionResult>;
}

/**
 * Documents that are met again are compiled (graphql-jit); the first time, and where compiling is not possible, graphql-js runs
 * them. Whoever keeps the parsed documents decides how many stay compiled: they are forgotten together.
 */
export function createExecutor(schema: GraphQLSchema): Executor {
  const known = new WeakMap<DocumentNode, Map<string, CompiledQuery | 'seen' | 'impossible'>>();

  function compiled(document: DocumentNode, operationName?: string): CompiledQuery | undefined {
    const name = operationName ?? '';
    let operations = known.get(document);
    if (!operations) known.set(document, (operations = new Map()));
    const state = operations.get(name);
    if (state === undefined) operations.set(name, 'seen');
    if (typeof state !== 'string') return state;
    if (state === 'impossible') return undefined;
    const query = compileQuery(schema, document, operationName);
    operations.set(name, isCompiledQuery(query) ? query : 'impossible');
    return isCompiledQuery(query) ? query : undefined;
  }

  async function plain(document: DocumentNode, variables: Variables, ctx: Context, operationName?: string) {
    return execute({ schema, document, variableValues: variables, contextValue: ctx, operationName });
  }

  return {
    async run(document, variables, ctx, operationName) {
      const query = compiled(document, operationName);
      let result = query
        ? ((await query.query({}, ctx, variables)) as ExecutionResult)
        : await plain(document, variables, ctx, operationName);
      // Nothing was executed: graphql-js words what is wrong with the variables.
      if (query && !('data' in result)) result = await plain(document, variables, ctx, operationName);
      return result.errors ? { ...result, errors: result.errors.map((error) => present(error, ctx)) } : result;
    },
  };
}

/** What a caller is told of an error: ours as they are; what nobody foresaw goes to the log, and only a request id to the caller. */
function present(error: GraphQLError, ctx: Context): GraphQLError {
  const cause = causeOf(error);
  const known = cause instanceof AetherError ? cause : undefined;
  if (!known && !(cause instanceof Error)) return error;
  if (!known) ctx.log.error({ err: cause, path: error.path }, 'unforeseen error');
  const { nodes, source, positions, path } = error;
  const shown = known ?? internal(ctx.requestId);
  return new GraphQLError(shown.message, { nodes, source, positions, path, originalError: shown, extensions: shown.extensions });
}

/** The first error that was thrown, below those that GraphQL and its middleware wrap around it. */
function causeOf(error: GraphQLError): unknown {
  let cause: unknown = error.originalError;
  while (cause instanceof GraphQLError && !(cause instanceof AetherError) && cause.originalError) cause = cause.originalError;
  return cause;
}

export const internal = (requestId: string): AetherError =>
  new AetherError('INTERNAL', `Something went wrong on our side. Quote request ${requestId} when you ask us about it.`);

import {
  execute,
  getOperationAST,
  getVariableValues,
  GraphQLError,
  Kind,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLSchema,
  type NamedTypeNode,
  type TypeNode,
  type VariableDefinitionNode,
} from 'graphql';
import { compileQuery, isCompiledQuery, type CompiledQuery } from 'graphql-jit';
import { LRUCache } from 'lru-cache';
import type { Context } from '../kernel/context';
import { AetherError } from '../kernel/errors';
import { JsonValue } from '../kernel/scalars';

export type Variables = Record<string, unknown>;

/** Runs parsed and validated documents; every door comes through here, so errors look the same behind each. */
export interface Executor {
  run(
    document: DocumentNode,
    variables: Variables,
    ctx: Context,
    operationName?: string,
  ): Promise<ExecutionResult>;
}

/** An operation that is compiled, and what its variables are. */
interface Compiled {
  query: CompiledQuery['query'];
  variables: readonly VariableDefinitionNode[];
}

/** Compiling takes as long as running a document some dozen times, and what it makes is large: only for documents in steady use. */
const usesBeforeCompiling = 5;
const maxCompiled = 1000;

/** Runs documents by graphql-js, and those in steady use compiled, by graphql-jit. */
export function createExecutor(schema: GraphQLSchema): Executor {
  const known = new LRUCache<DocumentNode, Map<string, Compiled | 'impossible' | number>>({
    max: maxCompiled,
  });

  function compiled(document: DocumentNode, operationName: string): Compiled | undefined {
    let operations = known.get(document);
    if (!operations) known.set(document, (operations = new Map<string, Compiled | 'impossible' | number>()));
    const state = operations.get(operationName) ?? 1;
    if (typeof state === 'object') return state;
    if (state === 'impossible') return undefined;
    const next = state < usesBeforeCompiling ? state + 1 : compile(schema, document, operationName);
    operations.set(operationName, next);
    return typeof next === 'object' ? next : undefined;
  }

  return {
    async run(document, variables, ctx, operationName = '') {
      const fast = compiled(document, operationName);
      const result = fast
        ? await runCompiled(schema, fast, variables, ctx)
        : await execute({
            schema,
            document,
            variableValues: variables,
            contextValue: ctx,
            operationName: operationName || null,
          });
      const warnings = ctx.warnings.inGraph();
      if (!result.errors && warnings.length === 0) return result;
      return {
        ...result,
        ...(result.errors && { errors: result.errors.map((error) => present(error, ctx)) }),
        ...(warnings.length > 0 && { extensions: { ...result.extensions, warnings } }),
      };
    },
  };
}

/**
 * graphql-jit writes out the reading of every variable, which never ends for a filter that holds filters. So graphql-js reads the
 * variables, and the compiled operation takes them as they are: as JSON.
 */
function compile(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string,
): Compiled | 'impossible' {
  const operation = getOperationAST(document, operationName || null);
  if (!operation) return 'impossible';
  const { variableDefinitions: variables = [] } = operation;
  const readAlready = variables.map(({ kind, variable, type }): VariableDefinitionNode => ({
    kind,
    variable,
    type: isFlag(type) ? type : anything,
  }));
  const definitions = document.definitions.map((definition) =>
    definition === operation ? { ...operation, variableDefinitions: readAlready } : definition,
  );
  const compiled = compileQuery(schema, { ...document, definitions }, operationName || undefined);
  return isCompiledQuery(compiled) ? { query: compiled.query, variables } : 'impossible';
}

/** `@include` and `@skip` insist on a Boolean; reading one twice does no harm. */
const isFlag = (type: TypeNode): boolean =>
  type.kind === Kind.NON_NULL_TYPE
    ? isFlag(type.type)
    : type.kind === Kind.NAMED_TYPE && type.name.value === 'Boolean';

const anything: NamedTypeNode = { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: JsonValue.name } };

async function runCompiled(
  schema: GraphQLSchema,
  { query, variables }: Compiled,
  given: Variables,
  ctx: Context,
) {
  const { coerced, errors } = getVariableValues(schema, variables, given, { maxErrors: 50 });
  if (errors) return { errors };
  return (await query({}, ctx, coerced)) as ExecutionResult;
}

/** What a caller is told of an error: ours as they are; what nobody foresaw goes to the log, and only a request id to the caller. */
function present(error: GraphQLError, ctx: Context): GraphQLError {
  const cause = causeOf(error);
  const known = cause instanceof AetherError ? cause : undefined;
  // An error of GraphQL's own tells the caller what is wrong with the request.
  if (!known && (!(cause instanceof Error) || cause instanceof GraphQLError)) return withoutValue(error);
  if (!known) ctx.log.error({ err: cause, path: error.path }, 'unforeseen error');
  else if (known.code === 'FORBIDDEN') ctx.refused(known.message);
  const { nodes, source, positions, path, locations } = error;
  const { message, extensions } = known ?? internal(ctx.requestId);
  const originalError = cause instanceof Error ? cause : error;
  const told = new GraphQLError(message, { nodes, source, positions, path, extensions, originalError });
  // Compiled operations know places in the document, but not its nodes.
  if (!nodes && locations) Object.defineProperty(told, 'locations', { value: locations, enumerable: true });
  return told;
}

/** GraphQL repeats what a variable holds, be it a whole object with a password in it, and errors are kept by programs and shown. */
function withoutValue(error: GraphQLError): GraphQLError {
  const { message, nodes, originalError } = error;
  const [start] = /^Variable "\$\w+" got invalid value /.exec(message) ?? [];
  const end = `; ${originalError?.message ?? ''}`;
  if (start === undefined || !originalError || !message.endsWith(end)) return error;
  const [, value = '', place = ''] =
    /^(.*?)( at "[^"]*")?$/s.exec(message.slice(start.length, -end.length)) ?? [];
  const reason = end.endsWith(value) ? `${end.slice(0, -value.length)}…` : end;
  return new GraphQLError(`${start}…${place}${reason}`, { nodes });
}

/** The first error that was thrown, below those that GraphQL and its middleware wrap around it. */
function causeOf(error: GraphQLError): unknown {
  let cause: unknown = error.originalError;
  while (cause instanceof GraphQLError && !(cause instanceof AetherError) && cause.originalError)
    cause = cause.originalError;
  return cause;
}

export const internal = (requestId: string): AetherError =>
  new AetherError(
    'INTERNAL',
    `Something went wrong on our side. Quote request ${requestId} when you ask us about it.`,
  );

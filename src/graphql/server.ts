import { ApolloServer, HeaderMap, type ApolloServerPlugin, type HTTPGraphQLRequest } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { ApolloServerPluginLandingPageLocalDefault } from '@apollo/server/plugin/landingPage/default';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GraphQLError, type ExecutionResult, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import type { Context } from '../kernel/context';
import { isJson, readJson } from '../http';
import { AetherError } from '../kernel/errors';
import { createCosts, type Cost } from './cost';
import { internal, type Executor } from './execute';
import { limitRules, limits } from './limits';

export type GraphqlServer = ApolloServer<Context>;

/** Apollo Server over the schema: it parses, validates and caches documents; ours executes them. */
export async function startGraphql(
  schema: GraphQLSchema,
  executor: Executor,
  { production, maxCost }: { production: boolean; maxCost: number },
): Promise<GraphqlServer> {
  const costs = createCosts(schema, maxCost);
  const server = new ApolloServer<Context>({
    gateway: {
      load: () =>
        Promise.resolve({
          executor: async ({ document, request, context, operation, operationName }) => {
            // Without an operation Apollo refuses the request itself, once it is told so.
            if (!operation)
              return {
                errors: [new GraphQLError('The document has no such operation, or several to choose from.')],
              };
            const { variables = {} } = request;
            const name = operationName ?? undefined;
            return limited(
              () => costs(document, variables, name),
              () => executor.run(document, variables, context as unknown as Context, name),
            ) as never;
          },
        }),
      onSchemaLoadOrUpdate(listener) {
        listener({ apiSchema: schema, coreSupergraphSdl: '' });
        return () => undefined;
      },
      stop: () => Promise.resolve(),
    },
    introspection: !production,
    includeStacktraceInErrorResponses: false,
    persistedQueries: false,
    parseOptions: { maxTokens: limits.tokens },
    validationRules: limitRules,
    stopOnTerminationSignals: false,
    formatError: known,
    plugins: [
      statusPlugin,
      // It would wrap every field of the schema, leaves included, to look for hints that there are none of.
      ApolloServerPluginCacheControlDisabled(),
      production
        ? ApolloServerPluginLandingPageDisabled()
        : ApolloServerPluginLandingPageLocalDefault({ embed: true, includeCookies: false }),
    ],
  });
  await server.start();
  return server;
}

/** Runs an operation unless it costs too much, and tells what it costs. */
async function limited(
  price: () => Cost | undefined,
  run: () => Promise<ExecutionResult>,
): Promise<ExecutionResult> {
  let cost: Cost | undefined;
  try {
    cost = price();
  } catch (error) {
    if (error instanceof AetherError) return { errors: [error] };
    throw error;
  }
  const result = await run();
  return cost ? { ...result, extensions: { ...result.extensions, cost } } : result;
}

/** Apollo's own refusals carry codes of Apollo; anything that carries none is not for callers to see. */
function known(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const cause = error instanceof GraphQLError ? error.originalError : undefined;
  // A limit of ours is told by Apollo as one of GraphQL's rules.
  if (cause instanceof AetherError) return { ...formatted, extensions: cause.extensions };
  const code = formatted.extensions?.code;
  if (code === 'INTERNAL_SERVER_ERROR')
    return { message: 'Something went wrong on our side.', extensions: { code: 'INTERNAL' } };
  return formatted;
}

/** Mistakes of a request that was understood: 200 for clients that do not know `application/graphql-response+json`. */
const requestErrors = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'LIMIT_EXCEEDED',
]);

const statusPlugin: ApolloServerPlugin<Context> = {
  requestDidStart: () =>
    Promise.resolve({
      willSendResponse({ request, response }) {
        if (response.body.kind !== 'single') return Promise.resolve();
        const { http } = response;
        const { errors, data } = response.body.singleResult;
        const codes = (errors ?? []).map(({ extensions }) => String(extensions?.code));
        if (http.status === 400 && codes.every((code) => requestErrors.has(code))) {
          const accept = request.http?.headers.get('accept') ?? '';
          if (!accept.includes('application/graphql-response+json')) http.status = 200;
        }
        const nothing = !data || Object.values(data).every((value) => value === null);
        const passing = errors?.find(({ extensions }) => extensions?.retryAfter !== undefined);
        if (passing) http.headers.set('retry-after', String(passing.extensions?.retryAfter));
        if (nothing && codes.length > 0 && codes.every((code) => code === 'UNAVAILABLE')) http.status = 503;
        return Promise.resolve();
      },
    }),
};

/**
 * Answers a request to /graphql straight from node:http: before the router, whose machinery would cost more than the query.
 */
export async function handleGraphql(
  server: GraphqlServer,
  request: IncomingMessage & { id: string },
  response: ServerResponse,
  { context, bodyMaxBytes }: { context: () => Promise<Context>; bodyMaxBytes: number },
): Promise<void> {
  try {
    const headers = new HeaderMap();
    for (const [name, value] of Object.entries(request.headers))
      if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
    const { url = '' } = request;
    const mark = url.indexOf('?');
    const httpGraphQLRequest: HTTPGraphQLRequest = {
      method: (request.method ?? 'GET').toUpperCase(),
      headers,
      search: mark < 0 ? '' : url.slice(mark),
      // What is not declared as JSON is left for Apollo to refuse.
      body: request.method === 'POST' && isJson(request) ? await readJson(request, bodyMaxBytes) : undefined,
    };
    const page = request.method === 'GET' && headers.get('accept')?.includes('text/html');
    const ctx = page ? undefined : await context();
    const answer = await server.executeHTTPGraphQLRequest({
      httpGraphQLRequest,
      context: async () => ctx ?? (await context()),
    });
    response.statusCode = answer.status ?? 200;
    for (const [name, value] of answer.headers) response.setHeader(name, value);
    // Apollo's page says itself what it may load; under the policy of all other answers it would stay blank.
    if (answer.headers.get('content-type')?.startsWith('text/html'))
      response.setHeader(
        'content-security-policy',
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
    if (answer.body.kind === 'complete') {
      response.setHeader('content-length', Buffer.byteLength(answer.body.string));
      response.end(request.method === 'HEAD' ? undefined : answer.body.string);
      return;
    }
    for await (const chunk of answer.body.asyncIterator) response.write(chunk);
    response.end();
  } catch (error) {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const told = error instanceof AetherError ? error : internal(request.id);
    response.statusCode = told.status;
    response.setHeader('content-type', 'application/json; charset=utf-8');
    if (told.details.retryAfter !== undefined)
      response.setHeader('retry-after', String(told.details.retryAfter));
    response.end(JSON.stringify({ errors: [{ message: told.message, extensions: told.extensions }] }));
    if (told !== error) throw error;
  }
}

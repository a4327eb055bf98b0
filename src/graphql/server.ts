import { ApolloServer, HeaderMap, type ApolloServerPlugin, type HTTPGraphQLRequest } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { ApolloServerPluginLandingPageLocalDefault } from '@apollo/server/plugin/landingPage/default';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  GraphQLError,
  visit,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLFormattedError,
  type GraphQLSchema,
} from 'graphql';
import type { Context } from '../kernel/context';
import { isJson, readJson, sendJson, type BodyLimits } from '../http';
import { AetherError, forbidden } from '../kernel/errors';
import { atLeast } from '../kernel/levels';
import { createCosts, type Cost } from './cost';
import { deprecationsIn } from './deprecated';
import type { Executor } from './execute';
import { checkFragments, limitRules, limits } from './limits';

export type GraphqlServer = ApolloServer<Context>;

export interface GraphqlOptions {
  /** Then there is no page for browsers. */
  production: boolean;
  /** Who is shown the schema, and names that they may have meant. */
  introspection: 'all' | 'administrators';
  maxCost: number;
}

/** Apollo Server over the schema: it parses, validates and caches documents; ours executes them. */
export async function startGraphql(
  schema: GraphQLSchema,
  executor: Executor,
  { production, introspection, maxCost }: GraphqlOptions,
): Promise<GraphqlServer> {
  const costs = createCosts(schema, maxCost);
  const deprecations = deprecationsIn(schema);
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
            const ctx = context as unknown as Context;
            const { variables = {} } = request;
            const name = operationName ?? undefined;
            const price = (): Cost | undefined => {
              if (introspection !== 'all' && !mayStudy(ctx) && asksForSchema(document))
                throw forbidden('The schema is shown to administrators only.');
              return costs(document, variables, name);
            };
            const result = await limited(price, () => executor.run(document, variables, ctx, name));
            const parts = deprecations(document);
            if (parts.length > 0) ctx.services.ledger.addParts(ctx, parts, result.errors !== undefined);
            return result as never;
          },
        }),
      onSchemaLoadOrUpdate(listener) {
        listener({ apiSchema: schema, coreSupergraphSdl: '' });
        return () => undefined;
      },
      stop: () => Promise.resolve(),
    },
    introspection: true,
    includeStacktraceInErrorResponses: false,
    persistedQueries: false,
    parseOptions: { maxTokens: limits.tokens },
    validationRules: limitRules,
    stopOnTerminationSignals: false,
    formatError: known,
    plugins: [
      statusPlugin,
      ...(introspection === 'all' ? [] : [suggestionPlugin]),
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

/** May the caller learn what there is in the schema? */
const mayStudy = ({ viewer }: Context): boolean =>
  atLeast(viewer.level, 'administrator') || viewer.key.administrative;

const askingForSchema = new WeakMap<DocumentNode, boolean>();

/** Is there introspection in the document, but for `__typename`? */
function asksForSchema(document: DocumentNode): boolean {
  const known = askingForSchema.get(document);
  if (known !== undefined) return known;
  let asks = false;
  visit(document, {
    Field({ name }) {
      if (name.value === '__schema' || name.value === '__type') asks = true;
    },
  });
  askingForSchema.set(document, asks);
  return asks;
}

/** GraphQL tells who misspells a name what there is that sounds like it. */
const suggestionPlugin: ApolloServerPlugin<Context> = {
  requestDidStart: ({ contextValue }) =>
    Promise.resolve(
      mayStudy(contextValue)
        ? undefined
        : {
            willSendResponse({ response: { body } }) {
              if (body.kind === 'single' && body.singleResult.errors)
                body.singleResult.errors = body.singleResult.errors.map((error) => ({
                  ...error,
                  message: error.message.replace(/ ?Did you mean .+\?/g, ''),
                }));
              return Promise.resolve();
            },
          },
    ),
};

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
  'FORBIDDEN',
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
  { context, bodyLimits }: { context: () => Promise<Context>; bodyLimits: BodyLimits },
): Promise<void> {
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
    body: request.method === 'POST' && isJson(request) ? await readJson(request, bodyLimits) : undefined,
  };
  const { query } = (httpGraphQLRequest.body ?? {}) as { query?: unknown };
  checkFragments(mark < 0 ? query : (query ?? new URLSearchParams(url.slice(mark)).get('query')));
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
}

export function sendGraphqlError(response: ServerResponse, error: AetherError): void {
  const { message, extensions, status, details } = error;
  if (details.retryAfter !== undefined) response.setHeader('Retry-After', String(details.retryAfter));
  sendJson(response, status, { errors: [{ message, extensions }] });
}

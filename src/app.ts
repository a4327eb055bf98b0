import cors from 'cors';
import express, { type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { pinoHttp } from 'pino-http';
import { credentialsOf } from './auth/viewer';
import type { Config } from './config';
import { docsRouter } from './docs/router';
import { createExecutor, internal, type Executor } from './graphql/execute';
import { makeSchema } from './graphql/schema';
import { handleGraphql, startGraphql } from './graphql/server';
import { healthRouter } from './health';
import { Context, type Services, type Viewer } from './kernel/context';
import { AetherError } from './kernel/errors';
import { resolvers } from './resolvers';
import { actionRouter } from './rest/actions';
import { crudRouter } from './rest/crud-router';
import { createDocuments } from './rest/documents';
import { sendActionError, sendCrudError } from './rest/envelope';
import { searchSiteDomain } from './rest/site-domain-search';

export interface App {
  /** Answers every request. */
  handler: RequestListener;
  executor: Executor;
  /** Ends GraphQL operations in flight; call it when no request comes in any more. */
  stop(): Promise<void>;
}

/** What a request carries with it on its way. */
interface Carrier extends IncomingMessage {
  context?: Promise<Context>;
  viewer?: Viewer;
}

/** The application over its services: middleware and mounts, in the order in which a request meets them. */
export async function createApp(services: Services, config: Config): Promise<App> {
  const schema = makeSchema(resolvers);
  const executor = createExecutor(schema);
  const graphql = await startGraphql(schema, executor, { production: config.production });

  /** Who is calling, resolved once per request whatever the door. */
  const contextOf = (request: IncomingMessage): Promise<Context> =>
    ((request as Carrier).context ??= (async () => {
      const viewer = await services.viewers.resolve(credentialsOf(request));
      (request as Carrier).viewer = viewer;
      return new Context(viewer, services, String(request.id), request.log);
    })());

  const edge = [requestId, requestLog(services), security(), crossOrigin(config)];

  const app = express().disable('x-powered-by').disable('etag');
  if (config.trustProxy) app.set('trust proxy', trustValue(config.trustProxy));
  app.use(healthRouter(services));
  app.use('/v3', async (request: Request, response: Response, next: NextFunction) => {
    if (request.method !== 'OPTIONS') response.locals.ctx = await contextOf(request);
    next();
  });
  app.use(
    '/v3/crud',
    crudRouter({
      executor,
      documents: createDocuments(schema),
      bodyMaxBytes: config.bodyMaxBytes,
      searches: { site_domain: searchSiteDomain },
    }),
    failing(sendCrudError),
  );
  app.use('/v3/action', actionRouter(schema, { executor, uploadMaxBytes: config.uploadMaxBytes }));
  app.use(docsRouter(schema, config));
  app.use((request: Request) => {
    throw new AetherError('NOT_FOUND', `There is nothing at ${request.path}.`);
  });
  app.use('/v3/crud', failing(sendCrudError));
  app.use(failing(sendActionError));

  const route = (request: IncomingMessage, response: ServerResponse): void => {
    if (isGraphql(request.url ?? '') && request.method !== 'OPTIONS') {
      const { bodyMaxBytes } = config;
      const requestId = String(request.id);
      handleGraphql(graphql, request, response, { context: () => contextOf(request), bodyMaxBytes, requestId }).catch(
        (error: unknown) => {
          request.log.error({ err: error }, 'unforeseen error');
        },
      );
    } else app(request, response);
  };

  return {
    executor,
    stop: () => graphql.stop(),
    handler(request, response) {
      let index = 0;
      const next = (): void => {
        const step = edge[index++];
        if (step) step(request, response, next);
        else route(request, response);
      };
      next();
    },
  };
}

const isGraphql = (url: string): boolean => /^\/graphql\/?(\?|$)/.test(url);

type Step = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** A caller's own id is kept when it is a sane one: it ties our log to theirs. */
const requestId: Step = (request, response, next) => {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
  request.id = id;
  response.setHeader('x-request-id', id);
  next();
};

function requestLog({ log }: Services): Step {
  return pinoHttp({
    logger: log,
    genReqId: (request) => request.id,
    quietReqLogger: true,
    customAttributeKeys: { reqId: 'requestId', responseTime: 'ms' },
    customLogLevel: (_request, response, error) => (error || response.statusCode >= 500 ? 'error' : 'info'),
    serializers: { req: () => undefined, res: () => undefined },
    customSuccessObject: (request, response, value: object) => ({ ...value, ...described(request, response) }),
    customErrorObject: (request, response, _error, value: object) => ({ ...value, ...described(request, response) }),
  }) as Step;
}

/** What the log says of a request: never its query, which may hold keys, tokens and passwords. */
function described(request: IncomingMessage, response: ServerResponse): Record<string, unknown> {
  const { viewer } = request as Carrier;
  return {
    req: undefined,
    res: undefined,
    method: request.method,
    route: ((request as Partial<Request>).originalUrl ?? request.url ?? '').replace(/\?.*$/, ''),
    status: response.statusCode,
    key: viewer?.key.name,
    account: viewer?.account?.id,
    viewer: viewer?.level,
  };
}

/** What browsers may do with an answer: nothing, unless a page says otherwise. */
function security(): Step {
  const secure = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  });
  return (request, response, next) => {
    secure(request, response, next);
  };
}

function crossOrigin({ corsOrigins }: Config): Step {
  const allow = cors({
    origin: corsOrigins === '*' ? '*' : [...corsOrigins],
    exposedHeaders: ['x-request-id', 'Retry-After', 'ETag', 'Content-Disposition', 'Content-Range', 'Accept-Ranges', 'Link', 'Deprecation', 'Sunset'],
    maxAge: 600,
    preflightContinue: false,
    optionsSuccessStatus: 204,
  });
  const label = cors({ origin: corsOrigins === '*' ? '*' : [...corsOrigins], preflightContinue: true });
  return (request, response, next) => {
    // An OPTIONS that is no preflight asks what is allowed here: its route knows.
    const preflight = request.headers['access-control-request-method'] !== undefined;
    (request.method === 'OPTIONS' && !preflight ? label : allow)(request as never, response as never, next);
  };
}

const trustValue = (text: string): boolean | number | string =>
  text === 'true' ? true : /^\d+$/.test(text) ? Number(text) : text;

/** The last stop of an error on its way out of Express: what it is becomes an answer, and what nobody foresaw a log line. */
function failing(send: (response: Response, error: AetherError) => void) {
  return (error: unknown, request: Request, response: Response, next: NextFunction): void => {
    if (response.headersSent) {
      request.log.error({ err: error }, 'an answer broke off');
      response.destroy();
      return;
    }
    const known = error instanceof AetherError ? error : fromExpress(error);
    if (!known) request.log.error({ err: error }, 'unforeseen error');
    send(response, known ?? internal(String(request.id)));
    void next;
  };
}

/** Express and its body parser refuse with a status; these are mistakes of the caller. */
function fromExpress(error: unknown): AetherError | undefined {
  if (error instanceof URIError) return new AetherError('BAD_REQUEST', 'The path is not valid.');
  const { status, type } = error as { status?: number; type?: string };
  if (type === 'entity.parse.failed') return new AetherError('BAD_REQUEST', 'The body is not valid JSON.');
  if (status === 413) return new AetherError('PAYLOAD_TOO_LARGE', 'The body is too large.');
  if (status === 415) return new AetherError('UNSUPPORTED_MEDIA_TYPE', 'The body is in an encoding that is not understood.');
  if (status !== undefined && status >= 400 && status < 500) return new AetherError('BAD_REQUEST', 'The request is not valid.');
  return undefined;
}

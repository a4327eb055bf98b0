import cors from 'cors';
import express, { type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import { IncomingMessage, ServerResponse, type RequestListener } from 'node:http';
import { Socket } from 'node:net';
import proxyaddr from 'proxy-addr';
import { credentialsOf } from './auth/viewer';
import type { Config } from './config';
import { docsRouter } from './docs/router';
import { createExecutor, internal, type Executor } from './graphql/execute';
import { makeSchema } from './graphql/schema';
import { handleGraphql, startGraphql } from './graphql/server';
import { healthRouter } from './health';
import { Context, type Services } from './kernel/context';
import { AetherError } from './kernel/errors';
import { metricsRouter } from './metrics';
import { beginRequest, type Carried } from './request-log';
import { resolvers } from './resolvers';
import { actionRouter } from './rest/actions';
import { crudHandler, crudPrefix } from './rest/crud';
import { createDocuments } from './rest/documents';
import { sendActionError, sendCrudError } from './rest/envelope';

export interface App {
  /** Answers every request. */
  handler: RequestListener;
  executor: Executor;
  /** Ends GraphQL operations in flight; call it when no request comes in any more. */
  stop(): Promise<void>;
}

/** The application over its services: middleware and mounts, in the order in which a request meets them. */
export async function createApp(services: Services, config: Config): Promise<App> {
  const schema = makeSchema(resolvers);
  const executor = createExecutor(schema);
  const graphql = await startGraphql(schema, executor, { production: config.production });

  const app = express().disable('x-powered-by').disable('etag');
  if (config.trustProxy) app.set('trust proxy', trustValue(config.trustProxy));
  const trusted = app.get('trust proxy fn') as (address: string, hops: number) => boolean;

  /** The caller's address: that of the connection, or what proxies say that are to be trusted. */
  const addressOf = (request: IncomingMessage): string =>
    request.socket.remoteAddress === undefined ? '' : proxyaddr(request, trusted);

  /** Who is calling, resolved once per request whatever the door. */
  const contextOf = (request: Carried): Promise<Context> =>
    (request.context ??= (async () => {
      const viewer = await services.viewers.resolve(credentialsOf(request));
      request.viewer = viewer;
      return new Context(viewer, services, request.id, undefined, addressOf(request));
    })());

  const edge = [security(), crossOrigin(config)];

  app.use(healthRouter(services));
  app.use(metricsRouter(services.metrics, config.metrics));
  app.get('/.well-known/jwks.json', (_request: Request, response: Response) => {
    response.set('Cache-Control', 'public, max-age=300').json({ keys: services.tokens.published });
  });
  app.all('/api/authenticate_passcode', (request: Request, response: Response, next: NextFunction) => {
    request.url = '/v3/action/auth/authenticate_passcode';
    response.set({ Deprecation: '@1767225600', Link: `<${request.url}>; rel="successor-version"` });
    next();
  });
  app.use('/v3', async (request: Request, response: Response, next: NextFunction) => {
    if (request.method !== 'OPTIONS') response.locals.ctx = await contextOf(request as unknown as Carried);
    next();
  });
  app.use('/v3/action', actionRouter(schema, { executor, ...config }));
  app.use(docsRouter(schema, config));
  app.use((request: Request) => {
    throw new AetherError('NOT_FOUND', `There is nothing at ${request.path}.`);
  });
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    fail(error, request as unknown as Carried, response, sendActionError);
  });

  const crud = crudHandler({
    schema,
    executor,
    documents: createDocuments(schema),
    bodyMaxBytes: config.bodyMaxBytes,
    allowTestDelay: config.allowTestDelay,
  });

  /** The two hot doors come straight from node:http; everything else through Express. */
  const route = (request: Carried, response: ServerResponse): void => {
    const context = () => contextOf(request);
    if (/^\/graphql\/?(?:\?|$)/.test(request.url ?? '') && request.method !== 'OPTIONS') {
      request.door = 'graphql';
      request.template = '/graphql';
      handleGraphql(graphql, request, response, { context, bodyMaxBytes: config.bodyMaxBytes }).catch(
        (error: unknown) => {
          services.log.error({ err: error, requestId: request.id }, 'unforeseen error');
        },
      );
    } else if (isBelow(crudPrefix, request)) {
      request.door = 'crud';
      crud(request, response, context).catch((error: unknown) => {
        fail(error, request, response, sendCrudError);
      });
    } else app(request, response);
  };

  /** The last stop of an error on its way out: what it is becomes an answer, and what nobody foresaw a log line. */
  function fail(
    error: unknown,
    { id: requestId }: Carried,
    response: ServerResponse,
    send: (response: ServerResponse, error: AetherError) => void,
  ): void {
    const { log } = services;
    if (response.headersSent) {
      log.error({ err: error, requestId }, 'an answer broke off');
      response.destroy();
      return;
    }
    const known = error instanceof AetherError ? error : fromExpress(error);
    if (!known) log.error({ err: error, requestId }, 'unforeseen error');
    send(response, known ?? internal(requestId));
  }

  return {
    executor,
    stop: () => graphql.stop(),
    handler(incoming, response) {
      const request = beginRequest(services, incoming, response);
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

/** Is the path this one, or one below it? */
function isBelow(path: string, { url = '' }: IncomingMessage): boolean {
  if (!url.startsWith(path)) return false;
  const next = url.charAt(path.length);
  return next === '' || next === '/' || next === '?';
}

type Step = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** What browsers may do with an answer: nothing, unless a page says otherwise. */
function security(): Step {
  const secure = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  });
  // It sets the same headers each time; asking it each time would take longer than a small answer's own work.
  const request = new IncomingMessage(new Socket());
  const sample = new ServerResponse(request);
  secure(request, sample, () => undefined);
  const headers = Object.entries(sample.getHeaders()) as [string, string][];
  return (_request, response, next) => {
    for (const [name, value] of headers) response.setHeader(name, value);
    next();
  };
}

function crossOrigin({ corsOrigins }: Config): Step {
  const allow = cors({
    origin: corsOrigins === '*' ? '*' : [...corsOrigins],
    exposedHeaders: [
      'x-request-id',
      'Retry-After',
      'ETag',
      'Content-Disposition',
      'Content-Range',
      'Accept-Ranges',
      'Link',
      'Deprecation',
      'Sunset',
      'Idempotent-Replayed',
    ],
    maxAge: 600,
    preflightContinue: false,
    optionsSuccessStatus: 204,
  });
  const label = cors({ origin: corsOrigins === '*' ? '*' : [...corsOrigins], preflightContinue: true });
  return (request, response, next) => {
    // An OPTIONS that is no preflight asks what is allowed here: its route knows.
    const preflight = request.headers['access-control-request-method'] !== undefined;
    (request.method === 'OPTIONS' && !preflight ? label : allow)(request, response, next);
  };
}

const trustValue = (text: string): boolean | number | string =>
  text === 'true' ? true : /^\d+$/.test(text) ? Number(text) : text;

/** Express and its body parser refuse with a status; these are mistakes of the caller. */
function fromExpress(error: unknown): AetherError | undefined {
  if (error instanceof URIError) return new AetherError('BAD_REQUEST', 'The path is not valid.');
  const { status, type } = error as { status?: number; type?: string };
  if (type === 'entity.parse.failed') return new AetherError('BAD_REQUEST', 'The body is not valid JSON.');
  if (status === 413) return new AetherError('PAYLOAD_TOO_LARGE', 'The body is too large.');
  if (status === 415)
    return new AetherError('UNSUPPORTED_MEDIA_TYPE', 'The body is in an encoding that is not understood.');
  if (status !== undefined && status >= 400 && status < 500)
    return new AetherError('BAD_REQUEST', 'The request is not valid.');
  return undefined;
}

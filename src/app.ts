import cors, { type CorsOptions } from 'cors';
import express, { type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import { IncomingMessage, ServerResponse, type RequestListener } from 'node:http';
import { Socket } from 'node:net';
import { addressOf, networkOf, type TrustsProxy } from './auth/address';
import { credentialsOf, type Credentials } from './auth/viewer';
import type { Config } from './config';
import { docsRouter } from './docs/router';
import { createExecutor, internal, type Executor } from './graphql/execute';
import { makeSchema } from './graphql/schema';
import { handleGraphql, sendGraphqlError, startGraphql } from './graphql/server';
import { healthRouter } from './health';
import { Context, type Origin, type Services, type Viewer } from './kernel/context';
import { AetherError, forbidden } from './kernel/errors';
import { isPublicId } from './kernel/public-id';
import { metricsRouter } from './metrics';
import { hostOf } from './origins';
import { watchPressure } from './pressure';
import { openRecorder } from './replay/recorder';
import { createRateLimits, tellRates, type Left, type Rate } from './rate-limit';
import { beginRequest, type Carried } from './request-log';
import { resolvers } from './resolvers';
import { actionRoutes } from './rest/actions';
import { crudHandler, crudPrefix } from './rest/crud';
import { createDocuments } from './rest/documents';
import { sendActionError, sendCrudError } from './rest/envelope';
import { olderRoutes } from './rest/legacy';
import { createRouter } from './rest/routes';

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
  const graphql = await startGraphql(schema, executor, {
    production: config.production,
    introspection: config.introspection,
    maxCost: config.graphqlMaxCost,
  });

  const { recordRequests: file } = config;
  const recorder =
    file === undefined ? undefined : openRecorder(file, { salt: config.jwtKey, log: services.log });
  const rates = createRateLimits(services.cache.redis);
  const pressure = watchPressure(config.maxEventLoopDelayMs);
  const { address: ofAddress, key: ofKey, viewer: ofViewer } = config.ratesPerMinute;

  const app = express().disable('x-powered-by').disable('etag');
  if (config.trustProxy) app.set('trust proxy', trustValue(config.trustProxy));
  const trusts = config.trustProxy ? (app.get('trust proxy fn') as TrustsProxy) : undefined;

  /** Who is calling, resolved once per request whatever the door. */
  const contextOf = (request: Carried, response: ServerResponse): Promise<Context> =>
    (request.context ??= (async () => {
      const counted = (request.counted ??= []);
      const from = (request.from = originOf(request, trusts));
      const credentials = credentialsOf(request);
      try {
        const viewer = await services.viewers.resolve(credentials);
        request.viewer = viewer;
        const { key, user, person } = viewer;
        await rates.count({ policy: 'key', of: key.id, perMinute: key.ratePerMinute ?? ofKey }, counted);
        await rates.count({ policy: 'viewer', of: user?.id ?? person?.id, perMinute: ofViewer }, counted);
        checkOrigin(viewer, request);
        return new Context(viewer, services, request.id, from);
      } catch (error) {
        if (error instanceof AetherError) await noteStranger(services, credentials, from, error);
        throw error;
      } finally {
        tellRates(response, counted);
      }
    })());

  const bodyLimits = { maxBytes: config.bodyMaxBytes, maxMs: config.bodyMaxMs };
  const edge = [security(), crossOrigin(config, services)];

  app.use(healthRouter(services));
  app.use(metricsRouter(services.metrics, config.metrics));
  app.get('/.well-known/jwks.json', (_request: Request, response: Response) => {
    response.set('Cache-Control', 'public, max-age=300').json({ keys: services.tokens.published });
  });
  app.use(docsRouter(schema, config));
  app.use((request: Request) => {
    throw new AetherError('NOT_FOUND', `There is nothing at ${request.path}.`);
  });
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    fail(error, request as unknown as Carried, response, sendActionError);
  });

  const { uploadMaxBytes } = config;
  const crud = crudHandler({
    schema,
    executor,
    documents: createDocuments(schema),
    bodyLimits,
    allowTestDelay: config.allowTestDelay,
  });
  const actions = actionRoutes({ schema, executor, bodyLimits, uploadMaxBytes });
  const placeOf = createRouter([...actions, ...olderRoutes(actions, crud, services.legacy)]);

  /** Lets a request in, unless there are too many: before anything is done for it. */
  async function admit(request: Carried, response: ServerResponse): Promise<void> {
    pressure.check();
    if (ofAddress === 0) return;
    const counted: Left[] = (request.counted = []);
    try {
      const of = networkOf(addressOf(request, trusts));
      const rate: Rate = { policy: 'address', of, perMinute: ofAddress };
      await rates.count(rate, counted);
    } catch (error) {
      tellRates(response, counted);
      throw error;
    }
  }

  /** Calls come straight from node:http; pages, and what tells of the server, through Express. */
  async function route(request: Carried, response: ServerResponse): Promise<void> {
    const { url = '' } = request;
    const context = () => contextOf(request, response);
    let send = sendActionError;
    try {
      if (/^\/graphql\/?(?:\?|$)/.test(url) && request.method !== 'OPTIONS') {
        send = sendGraphqlError;
        request.door = 'graphql';
        request.template = '/graphql';
        await admit(request, response);
        await handleGraphql(graphql, request, response, { context, bodyLimits });
        return;
      }
      if (isBelow(crudPrefix, request)) {
        send = sendCrudError;
        request.door = 'crud';
        await admit(request, response);
        await crud.handle(request, response, context);
        return;
      }
      const place = placeOf(request);
      if (place) {
        if (place.door === 'crud') send = sendCrudError;
        request.door = place.door;
        await admit(request, response);
        await place.answer(request, response, context);
      } else {
        // Who watches over the server asks when it has too much to do, above all.
        if (!/^\/(?:health|healthz|readyz|metrics)\/?(?:\?|$)/.test(url)) await admit(request, response);
        app(request, response);
      }
    } catch (error) {
      fail(error, request, response, send);
    }
  }

  /** The last stop of an error on its way out: what it is becomes an answer, and what nobody foresaw a log line. */
  function fail(
    error: unknown,
    request: Carried,
    response: ServerResponse,
    send: (response: ServerResponse, error: AetherError) => void,
  ): void {
    const { log } = services;
    const { id: requestId } = request;
    if (response.headersSent) {
      log.error({ err: error, requestId }, 'an answer broke off');
      response.destroy();
      return;
    }
    // Who has hung up is told nothing.
    if (request.destroyed && hungUp.has((error as { code?: string }).code ?? '')) return;
    const known = error instanceof AetherError ? error : fromExpress(error);
    if (!known) log.error({ err: error, requestId }, 'unforeseen error');
    else if (known.code === 'FORBIDDEN')
      request.context?.then(
        (ctx) => ctx.refused(known.message),
        () => undefined,
      );
    send(response, known ?? internal(requestId));
  }

  return {
    executor,
    async stop() {
      rates.close();
      pressure.close();
      await graphql.stop();
      await recorder?.close();
    },
    handler(incoming, response) {
      const request = beginRequest(services, incoming, response);
      recorder?.follow(request, response, () => request.door === 'crud' || request.door === 'action');
      let index = 0;
      const next = (): void => {
        const step = edge[index++];
        if (step) step(request, response, next);
        else void route(request, response);
      };
      next();
    },
  };
}

function originOf(request: Carried, trusts: TrustsProxy | undefined): Origin {
  const { headers } = request;
  const text = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    address: addressOf(request, trusts),
    agent: headers['user-agent'],
    program: text('apollographql-client-name'),
    programVersion: text('apollographql-client-version'),
  };
}

/** Tells the account that somebody named, and was not let in. */
async function noteStranger(
  { publicIds, notes }: Services,
  { account: id }: Credentials,
  from: Origin,
  { code, message: reason }: AetherError,
): Promise<void> {
  if (code !== 'FORBIDDEN' && code !== 'UNAUTHENTICATED') return;
  const account = isPublicId(id) ? await publicIds.find('account', id) : undefined;
  if (account !== undefined) notes.add({ account, action: 'refused', detail: { reason }, from });
}
/** What reading a request ends with when its connection is gone. */
const hungUp = new Set(['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE']);

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

function crossOrigin({ corsOrigins, production }: Config, { siteOrigins }: Services): Step {
  const isAllowed = async (origin: string): Promise<boolean> =>
    corsOrigins.includes(origin) ||
    (corsOrigins.includes('sites') &&
      ((await siteOrigins.has(origin)) || (!production && isOfThisMachine(origin))));
  const origin: CorsOptions['origin'] =
    corsOrigins === '*'
      ? '*'
      : (given, tell) => {
          isAllowed(given?.toLowerCase() ?? '').then((allowed) => tell(null, allowed), tell);
        };
  const allow = cors({
    origin,
    exposedHeaders: [
      'x-request-id',
      'Retry-After',
      'RateLimit',
      'RateLimit-Policy',
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
  const label = cors({ origin, preflightContinue: true });
  return (request, response, next) => {
    if (corsOrigins !== '*') {
      // Who comes from elsewhere gets another answer, and caches must know.
      response.setHeader('Vary', 'Origin');
      if (request.headers.origin === undefined) {
        next();
        return;
      }
    }
    // An OPTIONS that is no preflight asks what is allowed here: its route knows.
    const preflight = request.headers['access-control-request-method'] !== undefined;
    if (request.method !== 'OPTIONS') allow(request, response, next);
    else if (preflight) allow(request, response, () => response.writeHead(204).end());
    else label(request, response, next);
  };
}

const isOfThisMachine = (origin: string): boolean =>
  /^(?:(?:.+\.)?localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(hostOf(origin) ?? '');

/** A key that is for some pages alone is not for those of others. Programs that are no browsers name no origin. */
function checkOrigin({ key: { origins } }: Viewer, { headers: { origin } }: IncomingMessage): void {
  if (origins && origin !== undefined && !origins.includes(origin.toLowerCase()))
    throw forbidden('This API key is not for pages of this origin.');
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

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context, Origin, Services, Viewer } from './kernel/context';
import type { Answered } from './metrics';
import type { Left } from './rate-limit';

/** What a request carries with it on its way. */
export interface Carried extends IncomingMessage {
  id: string;
  /** Made by who asks first. */
  context?: Promise<Context>;
  /** Where it came from. */
  from?: Origin;
  /** Who it turned out to come from. */
  viewer?: Viewer;
  /** What is left of the rates that it was counted in. */
  counted?: Left[];
  /** The way that it took, when Express did not choose it: what it is counted under, without ids. */
  door?: Answered['door'];
  template?: string;
}

/**
 * Gives the request an id, and logs a line when it has been answered. By hand, not by pino-http: that makes a logger and several
 * objects for each request, needed or not, which was an eighth of the time of a small answer.
 */
export function beginRequest(
  { log, metrics }: Pick<Services, 'log' | 'metrics'>,
  request: IncomingMessage,
  response: ServerResponse,
): Carried {
  const carried = request as Carried;
  // A caller's own id is kept when it is a sane one: it ties our log to theirs.
  const given = request.headers['x-request-id'];
  carried.id = typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
  response.setHeader('x-request-id', carried.id);
  const started = performance.now();
  // A router shortens the url on its way; the query may hold keys, tokens and passwords, and is not logged.
  const url = request.url ?? '';
  response.once('close', () => {
    const ms = performance.now() - started;
    metrics.answered(
      {
        door: carried.door ?? 'other',
        method: request.method ?? '',
        route: carried.template ?? expressRoute(carried) ?? 'unknown',
        status: response.writableFinished ? response.statusCode : 499,
      },
      ms / 1000,
    );
    // 503 says that something else is away: worth a look, but no mistake of ours.
    const level = response.statusCode < 500 ? 'info' : response.statusCode === 503 ? 'warn' : 'error';
    if (!log.isLevelEnabled(level)) return;
    const { viewer } = carried;
    const mark = url.indexOf('?');
    log[level](
      {
        requestId: carried.id,
        method: request.method,
        route: mark < 0 ? url : url.slice(0, mark),
        status: response.statusCode,
        key: viewer?.key.name,
        account: viewer?.account?.id,
        viewer: viewer?.level,
        ms: Math.round(ms * 10) / 10,
        ...(!response.writableFinished && { aborted: true }),
      },
      'request',
    );
  });
  return carried;
}

/** The pattern of the route that Express chose, below its router. */
function expressRoute(request: IncomingMessage): string | undefined {
  const { route } = request as { route?: { path: string | string[] } };
  return route && [route.path].flat()[0];
}

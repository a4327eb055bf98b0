import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Method } from '../http';
import type { Context } from '../kernel/context';
import { allEntities } from '../kernel/entity';
import { AetherError } from '../kernel/errors';
import type { LegacyRoute } from '../legacy/routes';
import type { Carried } from '../request-log';
import { readUrl } from './request';

/** A request at the route that it is for. */
export interface Call {
  request: Carried;
  response: ServerResponse;
  /** The open parts of its path, by name. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** Who calls: asked for when the call is one at all. */
  context: () => Promise<Context>;
  /** The old route that it came by. */
  legacy?: LegacyRoute;
}

/** What is done with one method at one path. */
export interface Route {
  method: Method;
  /** `/v3/action/user/{id}/new_auth_key`: a part in braces is open. */
  path: string;
  /** CRUD calls and actions tell of failures in different envelopes. */
  door: 'crud' | 'action';
  /** A GET that changes nothing answers HEAD, too. */
  head?: boolean;
  answer: (call: Call) => Promise<void>;
  legacy?: LegacyRoute;
}

/** Where a request has come to: the routes of a path, by method. */
export interface Place {
  door: Route['door'];
  /** @throws METHOD_NOT_ALLOWED */
  answer: (request: Carried, response: ServerResponse, context: Call['context']) => Promise<void>;
}

/** A place in the tree of all paths: its routes, and what lies below it, at a word that is spelled out or else at any. */
interface Fork {
  /** What the part of the path that leads here is a value of. */
  name?: string;
  verbs: Partial<Record<string, Route>>;
  words: Map<string, Fork>;
  any?: Fork;
}

/**
 * Finds the place of a request among these routes; undefined when none of them has its path. A path that is spelled out comes before
 * one that is open, and a route before those that stand for many.
 * @throws BAD_REQUEST when the path is not validly encoded
 */
export function createRouter(routes: readonly Route[]): (request: IncomingMessage) => Place | undefined {
  const root: Fork = { verbs: {}, words: new Map() };
  const many = routes.filter(({ legacy }) => legacy?.ofTypes);
  for (const route of routes) if (!many.includes(route)) plant(root, route);
  for (const route of many)
    for (const { table } of allEntities())
      if (!route.legacy?.ofTypes?.except.includes(table)) plant(root, route, { type: table });

  return (request) => {
    const { path, query } = readUrl(request.url ?? '', '');
    const params: Record<string, string> = {};
    let here = root;
    for (const part of path) {
      const next = here.words.get(part) ?? (part === '' ? undefined : here.any);
      if (!next) return undefined;
      if (next.name !== undefined) params[next.name] = part;
      here = next;
    }
    const { verbs } = here;
    const [route] = Object.values(verbs);
    if (!route) return undefined;
    return {
      door: (verbs[request.method ?? ''] ?? route).door,
      async answer(carried, response, context) {
        carried.template = route.path;
        const chosen = chosenBy(verbs, carried, response);
        if (!chosen) return;
        carried.template = chosen.path;
        await chosen.answer({ request: carried, response, params, query, context });
      },
    };
  };
}

/** Puts a route at its path, with these words for open parts of it, unless there is one already. */
function plant(root: Fork, route: Route, given: Record<string, string> = {}): void {
  let here = root;
  for (const part of route.path.slice(1).split('/')) {
    const [, name] = /^\{(\w+)\}$/.exec(part) ?? [];
    const word = name === undefined ? part : given[name];
    let next = word === undefined ? here.any : here.words.get(word);
    if (!next) {
      next = { verbs: {}, words: new Map() };
      if (word === undefined) here.any = next;
      else here.words.set(word, next);
    }
    next.name ??= name;
    here = next;
  }
  here.verbs[route.method] ??= route;
  if (route.head) here.verbs.HEAD ??= route;
}

/**
 * What takes the verb of a request; undefined when it has been told what does.
 * @throws METHOD_NOT_ALLOWED
 */
export function chosenBy<T>(
  verbs: Partial<Record<string, T>>,
  { method = '' }: IncomingMessage,
  response: ServerResponse,
): T | undefined {
  if (Object.hasOwn(verbs, method)) return verbs[method];
  const allowed = [...Object.keys(verbs), 'OPTIONS'].join(', ');
  response.setHeader('Allow', allowed);
  if (method !== 'OPTIONS') throw new AetherError('METHOD_NOT_ALLOWED', `Allowed here: ${allowed}.`);
  response.writeHead(204).end();
  return undefined;
}

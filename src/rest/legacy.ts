import type { Method } from '../http';
import { findEntity } from '../kernel/entity';
import { AetherError, invalid } from '../kernel/errors';
import type { Legacy } from '../legacy/calls';
import { legacyRoutes, migrationPage, nameOf, operationOf, type LegacyRoute } from '../legacy/routes';
import { crudPrefix, type Crud, type CrudCall } from './crud';
import { styleFrom } from './legacy-style';
import { idFrom, readUrl, saysNo } from './request';
import type { Call, Route } from './routes';

/**
 * The routes of the older API. Each call is told of, counted, and answered by what replaces it: as a call of `/v3/crud`, or by an
 * action.
 */
export function olderRoutes(actions: readonly Route[], crud: Crud, legacy: Legacy): Route[] {
  return legacyRoutes.map((route) => {
    const { method, path, becomes, gone } = route;
    const action = actions.find((each) => `${each.method} ${each.path}` === becomes);
    const isCrud = becomes.includes(` ${crudPrefix}/`);
    if (!action && !isCrud && !gone)
      throw new Error(`${nameOf(route)} becomes ${becomes}, which there is not`);
    return {
      method,
      path,
      door: isCrud ? 'crud' : 'action',
      head: method === 'GET' && (action?.head ?? isCrud),
      legacy: route,
      async answer(call) {
        announce(call, route);
        record(call, route, legacy);
        const ctx = await call.context();
        if (gone) throw refusal('GONE', 'is gone', call, route);
        const off = legacy.switches.off(route, ctx.viewer);
        if (off) {
          const until = off.until ? ` until ${off.until.toISOString()}` : '';
          throw refusal('LEGACY_BROWNOUT', `is switched off${until}`, call, route);
        }
        if (action) await action.answer({ ...call, legacy: route });
        else await crud.answer(ctx, crudCall(call, route), call);
      },
    };
  });
}

/** What an answer says of its own route: since when it is deprecated (RFC 9745), when it may go (RFC 8594), and what replaces it. */
function announce({ response, params }: Call, route: LegacyRoute): void {
  const [, path] = successorOf(route, params);
  response.setHeader('Deprecation', `@${String(route.deprecated.getTime() / 1000)}`);
  response.setHeader('Sunset', route.sunset.toUTCString());
  response.setHeader(
    'Link',
    `<${path}>; rel="successor-version", </graphql>; rel="successor-version", <${migrationPage}>; rel="deprecation"; type="text/html"`,
  );
}

/** Method and path of what replaces a call. */
function successorOf({ becomes }: LegacyRoute, params: Call['params']): [method: string, path: string] {
  const [method = '', path = ''] = becomes.split(' ');
  return [
    method,
    path.replace(/\{(\w+)\}/g, (_part, name: string) => encodeURIComponent(params[name] ?? '')),
  ];
}

/** The type that a call is about. */
const typeOf = ({ params }: Call): string | undefined => findEntity(params.type ?? '')?.table;

/** Tells of a call when it has been answered. */
function record(call: Call, route: LegacyRoute, legacy: Legacy): void {
  const { request, response } = call;
  const started = performance.now();
  const type = typeOf(call);
  response.once('close', () => {
    legacy.record({
      route,
      type,
      operation: operationOf(route, type),
      viewer: request.viewer,
      from: request.from ?? {},
      page: request.headers.origin,
      status: response.writableFinished ? response.statusCode : 499,
      ms: Math.round(performance.now() - started),
      requestId: request.id,
    });
  });
}

function refusal(code: 'GONE' | 'LEGACY_BROWNOUT', why: string, call: Call, route: LegacyRoute): AetherError {
  const replacement = successorOf(route, call.params).join(' ');
  const operation = operationOf(route, typeOf(call));
  const graph = operation === undefined ? '' : `, or ${operation} at /graphql`;
  return new AetherError(code, `This route ${why}: use ${replacement}${graph}.`, { replacement, operation });
}

/** A call of an old route as one of `/v3/crud`. */
function crudCall({ request, params, query }: Call, { becomes, search }: LegacyRoute): CrudCall {
  const [method = '', place = ''] = becomes.split(' ');
  const { path: parts } = readUrl(place, crudPrefix);
  const path = parts.map((part) => (part.startsWith('{') ? (params[part.slice(1, -1)] ?? '') : part));
  // Else it would be the name of something else there.
  if (params.id !== undefined) idFrom(params.id);
  const asked = new URLSearchParams(query);
  const order = request.headers.order_by_li;
  if (typeof order === 'string' && order !== '' && !asked.has('order_by_li')) asked.set('order_by_li', order);
  if (alternatives.some((name) => isOn(query.get(name))) && !asked.has('view')) asked.set('view', 'alt');
  const call = { method: method as Method, path, query: asked, style: styleFrom(query) };
  if (search) return { ...call, body: lookupOf(search, query) };
  const filter = method === 'GET' && path.length === 1 ? filterFrom(query) : undefined;
  return filter ? { ...call, method: 'POST', path: [...path, 'search'], body: filter } : call;
}

/** What asked for another table, or another model of it: both are the view `alt` by now. */
const alternatives = ['tbl_alt', 'mdl_alt', 'use_alt_tbl', 'use_alt_mdl', 'use_alt_table', 'use_alt_base'];

const isOn = (value: string | null): boolean =>
  value !== null && value !== '' && value !== 'default' && !saysNo(value);

/** @throws VALIDATION when the parameter is not given */
function lookupOf({ field, by }: NonNullable<LegacyRoute['search']>, query: URLSearchParams): object {
  const value = query.get(by);
  if (!value) throw invalid({ [by]: 'is required' });
  return { and: [{ field, op: 'eq', value }] };
}

const searchKeys = new Set(['q', 'and', 'or', 'not']);

/**
 * `jp`: the body of a search, or fields with the values that they must have; of a list any one of them.
 * @throws VALIDATION
 */
function filterFrom(query: URLSearchParams): unknown {
  const text = query.get('jp');
  if (!text) return undefined;
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    throw invalid({ jp: 'must be JSON, as in {"code":"A1"}' });
  }
  if (given === null || typeof given !== 'object' || Array.isArray(given))
    throw invalid({ jp: 'must be a JSON object' });
  const keys = Object.keys(given);
  if (keys.every((key) => searchKeys.has(key))) return given;
  return {
    and: Object.entries(given).map(([field, value]: [string, unknown]) => ({
      field,
      op: Array.isArray(value) ? 'in' : 'eq',
      value,
    })),
  };
}

import type { Method } from '../http';
import { entityOf } from '../kernel/entity';

export type Generation = 'v1' | 'v2' | 'v3';

/**
 * One route of the older API. It has no code of its own: its calls are translated into those of the route that replaces it, so that
 * they meet the same rules. Routing, headers, OpenAPI, the log, the metric, switches, the ledger, the migration page and the tests all
 * come from these rows.
 */
export interface LegacyRoute {
  method: Method;
  /** `/v2/crud/{type}/{id}`: a part in braces is open. */
  path: string;
  generation: Generation;
  /** One line for people: what the route does. */
  summary: string;
  /** Since when programs are asked to leave it. */
  deprecated: Date;
  /** When it may go. Nothing happens at that moment by itself: an operator turns it off. */
  sunset: Date;
  /** Method and path of the route that replaces it, and that answers its calls. The open parts have the same names. */
  becomes: `${Method} /v3/${string}`;
  /**
   * The operation of the graph that does the same, as in `mutation signIn`. For routes of any type with `{single}`, `{plural}` and
   * `{Name}` in it: see {@link operationOf}. Left out: bytes, which come by no operation.
   */
  operation?: string;
  /**
   * It stands for one route of each registered type but these, and takes no other path from anything newer. Left out: `{type}` is any
   * word, and what is no type is not found.
   */
  ofTypes?: { except: readonly string[] };
  /** A lookup: the records whose `field` is what the parameter `by` says. */
  search?: { field: string; by: string };
  /** It is gone already: calls are told where to go. */
  gone?: true;
}

/** What generations share: when their routes were deprecated, and when they may go. */
const lifetimes: Record<Generation, Pick<LegacyRoute, 'deprecated' | 'sunset'>> = {
  v1: { deprecated: new Date('2026-01-01T00:00:00Z'), sunset: new Date('2027-07-01T00:00:00Z') },
  v2: { deprecated: new Date('2026-01-01T00:00:00Z'), sunset: new Date('2028-01-01T00:00:00Z') },
  v3: { deprecated: new Date('2026-01-01T00:00:00Z'), sunset: new Date('2028-01-01T00:00:00Z') },
};

type Row = Omit<LegacyRoute, 'generation' | 'deprecated' | 'sunset'> & Partial<Pick<LegacyRoute, 'sunset'>>;

const rows = (generation: Generation, list: Row[]): LegacyRoute[] =>
  list.map((row) => ({ generation, ...lifetimes[generation], ...row }));

/** CRUD of every type. */
const crud = (base: string): Row[] => [
  {
    method: 'GET',
    path: `${base}/{type}/list`,
    summary: 'List records of a type',
    becomes: 'GET /v3/crud/{type}/',
    operation: 'query {plural}',
  },
  {
    method: 'POST',
    path: `${base}/{type}`,
    summary: 'Create a record',
    becomes: 'POST /v3/crud/{type}/',
    operation: 'mutation create{Name}',
  },
  {
    method: 'GET',
    path: `${base}/{type}/{id}`,
    summary: 'Read a record',
    becomes: 'GET /v3/crud/{type}/{id}',
    operation: 'query {single}',
  },
  {
    method: 'PATCH',
    path: `${base}/{type}/{id}`,
    summary: 'Change a record',
    becomes: 'PATCH /v3/crud/{type}/{id}',
    operation: 'mutation update{Name}',
  },
  {
    method: 'DELETE',
    path: `${base}/{type}/{id}`,
    summary: 'Remove a record',
    becomes: 'DELETE /v3/crud/{type}/{id}',
    operation: 'mutation remove{Name}',
  },
];

/** The same for the types that there are alone: every other path there is, or may become, that of something else. */
const crudOfTypes = (base: string): Row[] =>
  crud(base).map((row) => ({
    ...row,
    // A removed file is a link less, in the older API; the file stays.
    ofTypes: { except: row.method === 'DELETE' ? ['hosted_file'] : [] },
  }));

/** Users by one of their fields. */
const lookup = (path: string, field: string, by: string): Row => ({
  method: 'GET',
  path,
  summary: `Find users by ${field}`,
  becomes: 'POST /v3/crud/user/search',
  operation: 'query users',
  search: { field, by },
});

const guestToken = (method: Method, path: string): Row => ({
  method,
  path,
  summary: 'Get a token of level anonymous for an account',
  becomes: 'POST /v3/action/auth/guest_token',
  operation: 'mutation guestToken',
});

/** Every route of the older API that is answered. */
export const legacyRoutes: readonly LegacyRoute[] = [
  ...rows('v2', crud('/v2/crud')),
  ...rows('v1', [
    ...crud('/crud'),
    ...crudOfTypes(''),
    ...crudOfTypes('/api'),
    {
      method: 'GET',
      path: '/user/authenticate',
      summary: 'Sign a user in',
      becomes: 'POST /v3/action/user/authenticate',
      operation: 'mutation signIn',
    },
    {
      method: 'POST',
      path: '/user/verify_password',
      summary: 'Ask whether this is the password of a user',
      becomes: 'POST /v3/action/user/verify_password',
      operation: 'mutation verifyPassword',
    },
    {
      method: 'PATCH',
      path: '/user/{id}/change_password',
      summary: 'Give a user a new password',
      becomes: 'POST /v3/action/user/{id}/change_password',
      operation: 'mutation changePassword',
    },
    {
      method: 'GET',
      path: '/user/{id}/new_auth_key',
      summary: 'Make a key by which a user signs in once',
      becomes: 'GET /v3/action/user/{id}/new_auth_key',
      operation: 'mutation newAuthKey',
    },
    {
      method: 'GET',
      path: '/user/{id}/email_auth_key_url',
      summary: 'Mail a user a link to sign in by',
      becomes: 'GET /v3/action/user/{id}/email_auth_key_url',
      operation: 'mutation sendSignInLink',
    },
    lookup('/user/lookup', 'id', 'user_id'),
    lookup('/user/lookup_email', 'email', 'email'),
    lookup('/user/lookup_username', 'username', 'username'),
    guestToken('POST', '/api/request_jwt'),
    guestToken('GET', '/api/temp_token'),
    {
      method: 'GET',
      path: '/hosted_file/{id}/download',
      summary: 'Download the bytes of a file',
      becomes: 'GET /v3/action/hosted_file/{id}/download',
    },
    {
      method: 'POST',
      path: '/util/email/send',
      summary: 'Send an e-mail',
      becomes: 'POST /v3/action/email/send',
      sunset: new Date('2026-01-01T00:00:00Z'),
      gone: true,
    },
  ]),
  ...rows('v3', [
    {
      method: 'POST',
      path: '/api/authenticate_passcode',
      summary: 'Open a level by a passcode of a site',
      becomes: 'POST /v3/action/auth/authenticate_passcode',
      operation: 'mutation signInWithPasscode',
    },
  ]),
];

/** What a route is called in the log, the metric, the ledger and the switches: `GET /v2/crud/{type}/list`. */
export const nameOf = ({ method, path }: LegacyRoute): string => `${method} ${path}`;

/** The page that tells people how to leave the old routes: the `Link` with `rel="deprecation"` of each leads to it. */
export const migrationPage = '/docs/migrate';

/**
 * The operation of the graph that replaces a call of the route, on objects of this type where it is for any: `query events`.
 * Undefined where there is none, such as a creation of what the server alone creates, or calls about a type that there is not.
 */
export function operationOf({ operation }: LegacyRoute, type?: string): string | undefined {
  if (operation === undefined) return undefined;
  if (type === undefined) return operation.includes('{') ? undefined : operation;
  const { single, plural, name, access } = entityOf(type);
  const kind = /^mutation (create|update|remove)\{/.exec(operation)?.[1];
  const level = kind === 'create' ? access.create : kind === undefined ? undefined : access.update;
  if (level === 'never') return undefined;
  return operation.replace('{single}', single).replace('{plural}', plural).replace('{Name}', name);
}

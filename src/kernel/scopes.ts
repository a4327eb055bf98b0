import { findEntity } from './entity';
import { readers } from './stored';

/** What may be done to objects of a type. */
export const scopeVerbs = ['read', 'create', 'update', 'remove'] as const;

export type ScopeVerb = (typeof scopeVerbs)[number];

/** What an API key reaches: `event:read`, `event_session:*`, `*:read`. */
export type Scopes = ReadonlySet<string>;

/** Does a key of these scopes reach this? One without scopes reaches everything. `*` is every type, or every verb. */
export const reaches = (scopes: Scopes | undefined, type: string, verb: ScopeVerb | '*'): boolean =>
  !scopes || [`${type}:${verb}`, `${type}:*`, `*:${verb}`, '*:*'].some((scope) => scopes.has(scope));

/** The scopes of a key. What is no list of scopes opens nothing. */
export const scopesOf = (given: unknown): Scopes | undefined =>
  given == null ? undefined : new Set(Array.isArray(given) ? given.filter(isScope) : []);

/** The same of the JSON that is stored. */
export const storedScopes = (stored: unknown): Scopes | undefined =>
  scopesOf(stored === null ? null : (readers.json(stored) ?? []));

export function isScope(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const [type = '', verb = '', ...rest] = value.split(':');
  const known = type === '*' || findEntity(type) !== undefined;
  return known && rest.length === 0 && ['*', ...scopeVerbs].includes(verb);
}

/** Is all that the one grants within what the other grants? */
export const isWithin = (some: Scopes | undefined, all: Scopes | undefined): boolean =>
  !all ||
  (some !== undefined &&
    [...some].every((scope) => {
      const [type = '', verb = ''] = scope.split(':');
      return reaches(all, type, verb as ScopeVerb | '*');
    }));

import type { LegacyRoute } from '../../src/legacy/routes';

/** The path of a route with these words for its open parts. */
export const pathOf = ({ path }: Pick<LegacyRoute, 'path'>, params: Record<string, string>): string =>
  path.replace(/\{(\w+)\}/g, (_part, name: string) => params[name]!);

/** Where CRUD stands in the older generations. */
export const oldBases = ['/v2/crud', '/crud', '', '/api'] as const;

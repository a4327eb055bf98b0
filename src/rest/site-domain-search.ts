import { parse, type DocumentNode } from 'graphql';
import { entityOf } from '../kernel/entity';
import { fieldsOf } from './documents';
import type { Run } from './crud';

let document: DocumentNode | undefined;

/**
 * How a browser that has a key and no account finds its tenant: a search of site domains by `fqdn`, with the site's access key
 * beside it where it has one. Undefined for any other search, which is an ordinary one.
 */
export async function searchSiteDomain(body: unknown, run: Run): Promise<unknown[] | undefined> {
  const asked = questionOf(body);
  if (!asked) return undefined;
  document ??= parse(
    `query ($fqdn: String!, $accessKey: String) { found: bootstrap(fqdn: $fqdn, accessKey: $accessKey) { domain { ${fieldsOf(entityOf('site_domain'))} } } }`,
    { noLocation: true },
  );
  const { found } = (await run(document, asked)) as { found: { domain: unknown } | null };
  return found ? [found.domain] : [];
}

const keyNames = new Set(['access_key', 'site_access_key', 'site_domain_access_key']);

/** Reads `{ and: [{ field: 'fqdn', op: 'eq', value }, { field: 'access_key', op: 'eq', value }] }`. */
function questionOf(body: unknown): { fqdn: string; accessKey?: string } | undefined {
  const { and, ...rest } = (body ?? {}) as Record<string, unknown>;
  if (
    !Array.isArray(and) ||
    Object.values(rest).some((value) => value !== undefined && value !== null && value !== '')
  )
    return undefined;
  let fqdn: string | undefined;
  let accessKey: string | undefined;
  for (const item of and as unknown[]) {
    const { field, op = 'eq', value } = (item ?? {}) as Record<string, unknown>;
    if (op !== 'eq') return undefined;
    if (field === 'fqdn' && typeof value === 'string') fqdn = value;
    else if (typeof field === 'string' && keyNames.has(field))
      accessKey = typeof value === 'string' ? value : undefined;
    else return undefined;
  }
  return fqdn === undefined ? undefined : { fqdn, accessKey };
}

const keyNames = new Set(['access_key', 'site_access_key', 'site_domain_access_key']);

/**
 * How a browser that has a key and no account finds its tenant: a search of site domains by `fqdn`, with the site's access key
 * beside it where it has one: `{ and: [{ field: 'fqdn', op: 'eq', value }, { field: 'access_key', op: 'eq', value }] }`. Undefined
 * for any other search, which is an ordinary one.
 */
export function domainQuestion(body: unknown): { fqdn: string; accessKey?: string } | undefined {
  const { and, ...rest } = (body ?? {}) as Record<string, unknown>;
  if (!Array.isArray(and) || !Object.values(rest).every(asksNothing)) return undefined;
  let fqdn: string | undefined;
  let accessKey: string | undefined;
  for (const item of and as unknown[]) {
    const { field, op = 'eq', value } = (item ?? {}) as Record<string, unknown>;
    if (String(op).toLowerCase() !== 'eq') return undefined;
    if (field === 'fqdn' && typeof value === 'string') fqdn = value;
    else if (typeof field === 'string' && keyNames.has(field))
      accessKey = typeof value === 'string' ? value : undefined;
    else return undefined;
  }
  return fqdn === undefined ? undefined : { fqdn, accessKey };
}

/** Parts that are there and empty: no words, no groups. */
const asksNothing = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);

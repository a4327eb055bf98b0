import type { Services } from './kernel/context';

/** The pages of the sites of all accounts. */
export interface SiteOrigins {
  /** Is this the origin of a page of one of the sites? */
  has(origin: string): Promise<boolean>;
  /** Forgets what was read of sites: one of them has changed. */
  forget(): void;
}

/** A changed site takes effect at once in every process that hears of it, and after this time in all others. */
const memoryMs = 60_000;
/** While the database is away the sites that were known before stay known, and are asked for again after this time. */
const retryMs = 5_000;

export function createSiteOrigins({ database }: Pick<Services, 'database'>): SiteOrigins {
  let hosts: Promise<ReadonlySet<string>> | undefined;
  let until = 0;
  let last: ReadonlySet<string> = new Set();

  async function read(): Promise<ReadonlySet<string>> {
    until = Date.now() + memoryMs;
    try {
      const rows = await database.select<{ fqdn: string }>(
        `SELECT d.fqdn FROM site_domain d JOIN site s ON s.id = d.site_id JOIN account a ON a.id = d.account_id
         WHERE d.enable = 1 AND s.enable = 1 AND a.enable = 1`,
      );
      last = new Set(rows.map(({ fqdn }) => fqdn.toLowerCase()));
    } catch {
      until = Date.now() + retryMs;
    }
    return last;
  }

  return {
    async has(origin) {
      const host = hostOf(origin);
      if (host === undefined) return false;
      if (Date.now() > until) hosts = undefined;
      return (await (hosts ??= read())).has(host);
    },
    forget() {
      hosts = undefined;
    },
  };
}

/** Host and, where it is not the usual one, port of an origin of the web. */
export function hostOf(origin: string): string | undefined {
  if (!/^https?:\/\//i.test(origin) || !URL.canParse(origin)) return undefined;
  return new URL(origin).host;
}

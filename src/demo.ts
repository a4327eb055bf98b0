import { demo, demoKeys, seedDemo } from '../seeders/demo';
import type { Config } from './config';
import { openDatabase } from './database/open';
import type { Services } from './kernel/context';
import { AetherError } from './kernel/errors';
import { startFakeNovi } from './novi/fake-server';

export interface Demo {
  /** What to try, ready to be pasted; `url` is where the server answers. */
  banner(url: string): string;
  stop(): Promise<void>;
}

/** The demo: rows with fixed ids, and a Novi of its own on this machine. */
export async function startDemo(services: Services): Promise<Demo> {
  const novi = await startFakeNovi({ apiKey: demo.noviKey });
  services.noviSettings = { rootUrl: novi.url, apiKey: demo.noviKey };
  await seedDemo(services);
  return { stop: () => novi.close(), banner: (url) => banner(url, novi.url) };
}

/** What is wrong with a database in production: keys that everyone knows open it. */
export async function demoKeyProblems({ databaseUrl, dataDir }: Config): Promise<string[]> {
  if (databaseUrl === undefined) return [];
  const database = await openDatabase({ url: databaseUrl, dataDir, poolMax: 1 });
  try {
    // All columns: an older table may have no switch, and its keys are on then.
    const found = await database.select<{ id_random: string; enable?: unknown }>(
      `SELECT * FROM api_key WHERE public_key IN (${demoKeys.map(() => '?').join()})`,
      [...demoKeys],
    );
    const enabled = found.filter(({ enable }) => enable === undefined || Boolean(enable));
    return enabled.map(
      ({ id_random: id }) => `api_key ${id}: a key of the demo is known to everyone; disable it`,
    );
  } catch (error) {
    // A new database has no keys at all; one that is away is told of when it is opened in earnest.
    if (error instanceof AetherError) return [];
    throw error;
  } finally {
    await database.close();
  }
}

function banner(url: string, noviUrl: string): string {
  const headers = `-H 'x-aether-api-key: ${demo.trustedKey}' -H 'x-account-id: ${demo.account}'`;
  const query = `{ events { nodes { id name sessions(first: 3) { totalCount nodes { name startDatetime } } } } }`;
  const { trusted, administrator, manager } = demo.passcodes;
  return `
  GraphQL       ${url}/graphql     (in a browser: Apollo Sandbox)
  GraphiQL      ${url}/graphiql    (works offline)
  REST docs     ${url}/docs
  Health        ${url}/health
  Fake Novi     ${noviUrl}    key ${demo.noviKey}, member ${demo.noviMember}

  Keys          ${demo.trustedKey} (trusted), ${demo.guestKey} (anonymous), ${demo.adminKey} (administrator)
  Account       ${demo.account}, with the events ${demo.event} and ${demo.meeting}; another is ${demo.otherAccount}
  Sites         ${demo.site} at demo.localhost, passcodes ${trusted}, ${administrator} and ${manager}
                ${demo.lockedSite} at locked.localhost, access key ${demo.lockedSiteKey}

  curl ${url}/graphql ${headers} \\
    -H 'content-type: application/json' -d '{"query":"${query}"}'

  curl ${headers} \\
    ${url}/v3/crud/event/${demo.event}

  curl ${headers} \\
    '${url}/v3/crud/event_session/?for_obj_type=event&for_obj_id=${demo.event}&limit=3'

  curl -OJ ${headers} \\
    ${url}/v3/action/event_file/DemoFile-001/download
`;
}

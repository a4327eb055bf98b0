import { seedDemo, demo } from '../seeders/demo';
import type { Services } from './kernel/context';
import { startFakeNovi } from './novi/fake-server';

/** The demo: rows with fixed ids, and a Novi of its own on this machine. */
export async function startDemo(services: Services): Promise<{ banner(url: string): string; stop(): Promise<void> }> {
  const novi = await startFakeNovi({ apiKey: demo.noviKey });
  services.noviSettings = { rootUrl: novi.url, apiKey: demo.noviKey };
  await seedDemo(services);
  const headers = `-H 'x-aether-api-key: ${demo.trustedKey}' -H 'x-account-id: ${demo.account}'`;
  return {
    stop: () => novi.close(),
    banner: (url) => `
  GraphQL      ${url}/graphql        (Apollo Sandbox, in a browser)
  GraphiQL     ${url}/graphiql       (works offline)
  REST docs    ${url}/docs
  Health       ${url}/health
  Fake Novi    ${novi.url}

  Demo key     ${demo.trustedKey}    account  ${demo.account}

  curl ${url}/graphql ${headers} -H 'content-type: application/json' \\
    -d '{"query":"{ events { nodes { id name sessions(first: 3) { nodes { name startDatetime } } } } }"}'

  curl ${headers} ${url}/v3/crud/event/${demo.event}
`,
  };
}

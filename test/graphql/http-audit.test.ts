import { serverAudits } from 'graphql-http';
import { keyOf, useApp } from '../support/app';

const app = useApp({ rows: 1 });

const audits = serverAudits({
  url: () => `${app.url}/graphql`,
  fetchFn: (url: string, init: RequestInit = {}) =>
    fetch(url, {
      ...init,
      headers: {
        ...(init.headers as Record<string, string>),
        'x-aether-api-key': keyOf('trusted'),
        'x-account-id': app.here.account,
        // A GET needs to say that no page of another origin made a browser send it.
        'apollo-require-preflight': '1',
      },
    }),
});

test.each(audits.map((audit) => [`${audit.id} ${audit.name}`, audit] as const))(
  '%s',
  async (_name, audit) => {
    const result = await audit.fn();
    expect(result).toMatchObject({ status: 'ok' });
  },
);

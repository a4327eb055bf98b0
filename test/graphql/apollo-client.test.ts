import type { TypedDocumentNode } from '@apollo/client';
import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { keyOf, useApp } from '../support/app';

const app = useApp({ rows: 3 });

const clientOf = (level: 'trusted' | 'anonymous') =>
  new ApolloClient({
    cache: new InMemoryCache(),
    link: new HttpLink({
      uri: `${app.url}/graphql`,
      headers: { 'x-aether-api-key': keyOf(level), 'x-account-id': app.here.account },
    }),
  });

const sessions: TypedDocumentNode<any> = gql`
  query Sessions($event: ID!, $after: String) {
    event(id: $event) {
      id
      name
      sessions(first: 1, after: $after) {
        totalCount
        nodes {
          id
          name
          event {
            id
            name
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`;

const rename: TypedDocumentNode<any> = gql`
  mutation Rename($id: ID!, $name: String!) {
    updateEventSession(id: $id, input: { name: $name }) {
      eventSession {
        id
        name
      }
    }
  }
`;

test('Apollo Client reads a page, the page after it, and sees a change in its cache', async () => {
  const client = clientOf('trusted');
  const { id: session } = app.here.rows.event_session![0]!;
  const [row] = await app.services.database.select<{ id: string }>(
    'SELECT e.id_random AS id FROM event e JOIN event_session s ON s.event_id = e.id WHERE s.id_random = ?',
    [session],
  );
  const first = await client.query({ query: sessions, variables: { event: row!.id } });
  const { totalCount, nodes, pageInfo } = first.data.event.sessions;
  expect(nodes).toHaveLength(1);
  expect(nodes[0].event.id).toBe(row!.id);
  expect(pageInfo.hasNextPage).toBe(totalCount > 1);

  const changed = await client.mutate({
    mutation: rename,
    variables: { id: nodes[0].id, name: 'Renamed' },
  });
  expect(changed.data.updateEventSession.eventSession).toMatchObject({ id: nodes[0].id, name: 'Renamed' });
  const again = await client.query({
    query: sessions,
    variables: { event: row!.id },
    fetchPolicy: 'cache-only',
  });
  expect(again.data.event.sessions.nodes[0].name).toBe('Renamed');
});

test('Apollo Client finds the code of a refusal', async () => {
  const { id } = app.here.rows.event_session![0]!;
  const refused = clientOf('anonymous').mutate({ mutation: rename, variables: { id, name: 'Mine' } });
  const error: unknown = await refused.catch((reason: unknown) => reason);
  expect(CombinedGraphQLErrors.is(error)).toBe(true);
  expect((error as CombinedGraphQLErrors).errors[0]!.extensions).toMatchObject({ code: 'FORBIDDEN' });
});

/** What the data set holds that requests can name: accounts, and the events of each. */
export interface Targets {
  account: string;
  events: string[];
}

export interface BenchRequest {
  method: 'GET' | 'POST';
  path: string;
  account: string;
  body?: string;
}

export interface Case {
  name: string;
  title: string;
  /** Requests per second that we mean to reach, as a part of what the hand-written program does. */
  floor?: number;
  request(account: string, event: string): BenchRequest;
}

/** The documents that are measured; the hand-written program knows them by their text. */
export const queries = {
  event: 'query ($id: ID!) { event(id: $id) { id name startDatetime endDatetime timezone locationName } }',
  sessions:
    'query ($id: ID!) { event(id: $id) { id name sessions(first: 20) { nodes { id name startDatetime } } } }',
  programme: `query ($id: ID!) { event(id: $id) { id name
    sessions(first: 20) { nodes { id name startDatetime
      presentations { nodes { id name
        presenters { nodes { id fullName } } } } } } } }`,
};

const graphql =
  (query: string) =>
  (account: string, id: string): BenchRequest => ({
    method: 'POST',
    path: '/graphql',
    account,
    body: JSON.stringify({ query, variables: { id } }),
  });

export const cases: Case[] = [
  { name: 'event', title: 'GraphQL, one event', floor: 0.25, request: graphql(queries.event) },
  {
    name: 'sessions',
    title: 'GraphQL, event with 20 sessions',
    floor: 0.25,
    request: graphql(queries.sessions),
  },
  { name: 'programme', title: 'GraphQL, programme of 171 objects', request: graphql(queries.programme) },
  {
    name: 'rest-event',
    title: 'REST, one event',
    floor: 0.4,
    request: (account, event) => ({ method: 'GET', path: `/v3/crud/event/${event}`, account }),
  },
  {
    name: 'rest-list',
    title: 'REST, list of 100 sessions',
    floor: 0.3,
    request: (account) => ({ method: 'GET', path: '/v3/crud/event_session/?limit=100', account }),
  },
];

/** One request of the case for each event there is. */
export const requestsOf = (one: Case, targets: Targets[]): BenchRequest[] =>
  targets.flatMap(({ account, events }) => events.map((event) => one.request(account, event)));

/** Whose key and account the pages fill in. */
export interface Caller {
  key: string;
  account: string;
  event: string;
}

/** Starts Swagger UI on the REST document. */
export const docsScript = (caller?: Caller): string => `'use strict';
const caller = ${JSON.stringify(caller ?? null)};
const ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  docExpansion: 'none',
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  filter: true,
  showExtensions: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  onComplete() {
    if (!caller) return;
    ui.preauthorizeApiKey('key', caller.key);
    ui.preauthorizeApiKey('account', caller.account);
  },
});
`;

/**
 * Starts GraphiQL on the graph; with an operation from the page of old calls, as who has signed in there. Their headers are no matter of
 * its own: it would keep them in the browser.
 */
export const graphiqlScript = (caller?: Caller): string => `'use strict';
const opened = new URLSearchParams(location.hash.slice(1));
const query = opened.get('query') ?? undefined;
const operator = query && JSON.parse(sessionStorage.getItem('aether-operator'));
const headers = ${JSON.stringify({
  'x-aether-api-key': caller?.key ?? '',
  'x-account-id': caller?.account ?? '',
  'apollo-require-preflight': 'true',
})};
const theirs = operator && {
  'x-aether-api-key': operator.key,
  ...(operator.account ? { 'x-account-id': operator.account } : { 'x-no-account-id': 'all' }),
  ...(operator.token && { authorization: \`Bearer \${operator.token}\` }),
};
ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: '/graphql', headers: { ...headers, ...theirs } }),
    defaultHeaders: JSON.stringify(theirs ? {} : headers, null, 2),
    defaultQuery: ${JSON.stringify(caller ? demoQuery(caller.event) : firstQuery)},
    defaultEditorToolsVisibility: query ? 'variables' : 'headers',
    ...(query && { query, variables: opened.get('variables') }),
    ...(theirs && { headers: '{}' }),
  }),
);
`;

const demoQuery = (event: string): string => `query {
  event(id: "${event}") {
    name
    startDatetime
    sessions(first: 5) {
      totalCount
      nodes {
        name
        startDatetime
        presentations {
          nodes {
            name
            presenters {
              nodes {
                fullName
              }
            }
          }
        }
      }
    }
  }
}
`;

const firstQuery = `query {
  events(first: 5) {
    totalCount
    nodes {
      id
      name
      startDatetime
    }
  }
}
`;

export const pagesStyle = `html, body { margin: 0; height: 100%; }
#graphiql { height: 100dvh; overflow: hidden; }
.access { padding: 2rem 1.5rem 4rem; font: .875rem/1.45 system-ui, sans-serif; color: #1f2937; }
.access p { max-width: 50rem; color: #4b5563; }
.access h2 { margin-top: 2.5rem; }
.access div { overflow-x: auto; }
.access table { border-collapse: collapse; }
.access th, .access td { padding: .375rem .75rem; text-align: left; vertical-align: top; border-bottom: 1px solid #e5e7eb; }
.access th { background: #f9fafb; }
.access tbody tr:hover { background: #eef2ff; }
.start { max-width: 40rem; margin: 0 auto; padding: 12vh 1.5rem 3rem; font: 1rem/1.5 system-ui, sans-serif; color: #1f2937; }
.start h1 { margin: 0; font-size: 2rem; }
.start p { margin: 0 0 2rem; color: #6b7280; }
.start ul { margin: 0; padding: 0; list-style: none; }
.start li { padding: .75rem 0; border-top: 1px solid #e5e7eb; color: #4b5563; }
.start a { color: #4338ca; text-decoration: none; }
.start a:hover { text-decoration: underline; }
.start code { color: #6b7280; }
`;

export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#4338ca"/>
<path d="M7 25 16 6l9 19M11 18h10" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/>
</svg>
`;

import { buildSchema, findBreakingChanges } from 'graphql';

/** The generated documents that programs are written against, by file name. */
export type Documents = ReadonlyMap<string, string>;

interface OpenApi {
  paths: Record<string, Record<string, unknown>>;
}

/** What programs that were written against the documents before could miss in those after; a line each. */
export function breakingChanges(before: Documents, after: Documents): string[] {
  const both = (name: string): [string, string] | undefined => {
    const [old, now] = [before.get(name), after.get(name)];
    return old === undefined || now === undefined || old === now ? undefined : [old, now];
  };
  const graph = both('schema.graphql')?.map((text) => buildSchema(text));
  const rest = both('openapi.json')?.map((text) => operationsOf(JSON.parse(text) as OpenApi));
  return [
    ...(graph?.[0] && graph[1] ? findBreakingChanges(graph[0], graph[1]) : []).map(
      ({ description }) => description,
    ),
    ...[...(rest?.[0] ?? [])].filter((operation) => !rest?.[1]?.has(operation)).map(gone),
  ];
}

const gone = (operation: string): string => `${operation} was removed.`;

const operationsOf = ({ paths }: OpenApi): Set<string> =>
  new Set(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    ),
  );

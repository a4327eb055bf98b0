import type { Caller, GraphqlAnswer } from './callers';

export interface ToldChange {
  type: string;
  id: string;
  action: 'CREATED' | 'UPDATED' | 'REMOVED';
  at: string;
  node: { __typename: string; id: string } | null;
}

interface ChangesArgs {
  since?: string | null;
  types?: string[];
  first?: number;
}

export const askChanges = (
  caller: Caller,
  args: ChangesArgs = {},
  node = '__typename id',
): Promise<GraphqlAnswer> =>
  caller.graphql(
    `query ($since: String, $types: [ObjectType!], $first: Int) {
      changes(since: $since, types: $types, first: $first) {
        nodes { type id action at node { ${node} } } endCursor hasNextPage } }`,
    args as Record<string, unknown>,
  );

/** The cursor of now. */
export async function cursorOf(caller: Caller): Promise<string> {
  const { changes } = await caller.ask('{ changes { endCursor nodes { id } } }');
  return changes.endCursor as string;
}

/** All that is told from a cursor on, page by page. */
export async function changesSince(
  caller: Caller,
  since: string,
  args: ChangesArgs = {},
): Promise<ToldChange[]> {
  const told: ToldChange[] = [];
  for (let cursor = since; ;) {
    const { data, errors } = await askChanges(caller, { first: 1000, ...args, since: cursor });
    if (errors) throw new Error(errors[0]!.message);
    told.push(...data.changes.nodes);
    cursor = data.changes.endCursor;
    if (!data.changes.hasNextPage) return told;
  }
}

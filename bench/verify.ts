import { isDeepStrictEqual } from 'node:util';
import { requestsOf, type BenchRequest, type Case } from './cases';
import type { Data } from './data';

/**
 * Asks both programs everything that will be measured, and compares what they answer.
 * @throws Error at the first difference: two programs that do different work cannot be compared.
 */
export async function verify(
  cases: Case[],
  data: Data,
  ports: { ours: number; byHand: number },
): Promise<void> {
  for (const one of cases)
    for (const request of requestsOf(one, data.targets)) {
      const [ours, byHand] = await Promise.all([
        ask(ports.ours, data.key, request),
        ask(ports.byHand, data.key, request),
      ]);
      if (ours.status !== 200 || byHand.status !== 200)
        throw new Error(`${one.name}: ours answers ${ours.status}, by hand ${byHand.status}: ${ours.text}`);
      const [a, b] = [ours, byHand].map(({ text }) => withoutCost(JSON.parse(text) as object));
      const path = difference(a, b);
      if (path !== undefined)
        throw new Error(
          `${one.name}: the answers differ at ${path}; by-hand.ts has to be brought up to date`,
        );
      if (JSON.stringify(a).includes('"errors"')) throw new Error(`${one.name}: ${ours.text}`);
    }
  await verifyRefusals(data, ports);
}

/** What an operation costs is told by us alone. */
const withoutCost = ({ extensions: _cost, ...answer }: { extensions?: unknown }): object => answer;

/** The hand-written program is no faster by letting everybody in. */
async function verifyRefusals(
  { key, targets }: Data,
  ports: { ours: number; byHand: number },
): Promise<void> {
  const [target, other] = targets;
  const request: BenchRequest = { method: 'GET', path: `/v3/crud/event/${target?.events[0]}`, account: '' };
  for (const [name, port] of Object.entries(ports)) {
    const wrongKey = await ask(port, 'not-a-key-of-it', { ...request, account: target?.account ?? '' });
    const wrongAccount = await ask(port, key, { ...request, account: other?.account ?? '' });
    if (wrongKey.status === 200 || wrongAccount.status === 200) throw new Error(`${name} lets in anybody`);
  }
}

async function ask(port: number, key: string, { method, path, account, body }: BenchRequest) {
  const headers = {
    'x-aether-api-key': key,
    'x-account-id': account,
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body });
  return { status: response.status, text: await response.text() };
}

/** Where two values differ first: `data.start_datetime: 1 and 2`. */
function difference(a: any, b: any, path = ''): string | undefined {
  if (isDeepStrictEqual(a, b)) return undefined;
  const nested = [a, b].every((value) => value !== null && typeof value === 'object');
  if (!nested) return `${path}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`;
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const found = difference(a[name], b[name], path ? `${path}.${name}` : name);
    if (found !== undefined) return found;
  }
  return path;
}

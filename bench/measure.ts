import { readFileSync } from 'node:fs';
import { requestsOf, type Case } from './cases';
import type { Program } from './child';
import type { Data } from './data';
import { load } from './wrk';

export const programs = ['ours', 'byHand'] as const;
export type Name = (typeof programs)[number];

/** What one program did in one case: medians of the rounds. */
export interface Figures {
  perSecond: number;
  p50: number;
  p99: number;
  /** CPU time of the Node process per request, in microseconds, whatever it waited for. */
  cpu: number;
  statements: number;
}

export type Results = Map<Case, Record<Name, Figures>>;

export interface Rounds {
  seconds: number;
  rounds: number;
  warmUp: number;
}

/** Measures every case in rounds that alternate between the programs, so that a slow minute of the machine meets both. */
export async function measure(
  cases: Case[],
  data: Data,
  running: Record<Name, Program>,
  { seconds, rounds, warmUp }: Rounds,
  progress: (line: string) => void,
): Promise<Results> {
  const results: Results = new Map();
  for (const one of cases) {
    const requests = requestsOf(one, data.targets);
    for (const name of programs) await load(running[name].port, data.key, requests, warmUp);
    const found: Record<Name, Figures[]> = { ours: [], byHand: [] };
    for (let round = 0; round < rounds; round += 1)
      for (const name of programs) {
        const figures = await measureOnce(running[name], data.key, requests, seconds);
        found[name].push(figures);
        progress(`${one.name}, ${name}, round ${round + 1}: ${Math.round(figures.perSecond)}/s`);
      }
    results.set(one, { ours: medians(found.ours), byHand: medians(found.byHand) });
  }
  return results;
}

async function measureOnce(
  program: Program,
  key: string,
  requests: ReturnType<typeof requestsOf>,
  seconds: number,
): Promise<Figures> {
  const before = { ...(await program.stats()), cpu: program.cpu() };
  const { requests: answered, seconds: took, p50, p99 } = await load(program.port, key, requests, seconds);
  const after = { cpu: program.cpu(), ...(await program.stats()) };
  const handled = after.requests - before.requests;
  return {
    perSecond: answered / took,
    p50,
    p99,
    cpu: (after.cpu - before.cpu) / handled,
    statements: (after.statements - before.statements) / handled,
  };
}

function medians(rounds: Figures[]): Figures {
  const median = (pick: (figures: Figures) => number): number => {
    const sorted = rounds.map(pick).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? NaN;
  };
  return {
    perSecond: median(({ perSecond }) => perSecond),
    p50: median(({ p50 }) => p50),
    p99: median(({ p99 }) => p99),
    cpu: median(({ cpu }) => cpu),
    statements: median(({ statements }) => statements),
  };
}

/** Watches how much of the machine's time its host takes away; numbers of a run that lost much are not to be trusted. */
export function watchSteal(): () => number {
  const read = (): { stolen: number; all: number } => {
    const times = (/^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '').split(' ').map(Number);
    return { stolen: times[7] ?? 0, all: times.slice(0, 8).reduce((sum, time) => sum + time, 0) };
  };
  const start = read();
  return () => {
    const end = read();
    return (end.stolen - start.stolen) / (end.all - start.all);
  };
}

import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from './child';

/** A list of everything in one answer. */
export interface LargeList {
  path: string;
  headers: Record<string, string>;
}

const megabyte = 1024 ** 2;

/** Asks for long lists in one answer each, and tells what they cost the server: lines of a table, said as they come. */
export async function large(
  lists: LargeList[],
  program: Program,
  say: (line: string) => void,
): Promise<string[]> {
  const lines: string[] = [];
  const add = (line: string): void => {
    lines.push(line);
    say(line);
  };
  add('| list | rows | MB | first byte ms | whole s | SQL | peak RSS above idle MB |');
  add('|---|--:|--:|--:|--:|--:|--:|');
  for (const list of lists) {
    const { rss: idle, statements } = await program.stats();
    const peak = watch(() => program.rss());
    const { rows, bytes, firstByteMs, wholeMs } = await fetchAll(program.port, list);
    const above = (peak.stop() - idle) / megabyte;
    const sent = (await program.stats()).statements - statements;
    add(
      `| ${list.path} | ${rows} | ${(bytes / megabyte).toFixed(1)} | ${firstByteMs.toFixed(0)} | ${(wholeMs / 1000).toFixed(1)} | ${sent} | ${above.toFixed(0)} |`,
    );
  }
  const [first] = lists;
  if (first) add(`\n${await hangUp(first, program)}`);
  return lines;
}

/** The greatest value of a reading until it is stopped. */
function watch(read: () => number): { stop: () => number } {
  let greatest = 0;
  const timer = setInterval(() => (greatest = Math.max(greatest, read())), 10);
  return {
    stop() {
      clearInterval(timer);
      return greatest;
    },
  };
}

const open = (port: number, { path, headers }: LargeList): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers, agent: false }, resolve).on('error', reject);
  });

async function fetchAll(port: number, list: LargeList) {
  const start = performance.now();
  const response = await open(port, list);
  let firstByteMs = 0;
  let bytes = 0;
  let end = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    firstByteMs ||= performance.now() - start;
    bytes += chunk.length;
    end = (end + chunk.toString('latin1')).slice(-2000);
  }
  const rows = Number(/"count":(\d+)/.exec(end)?.[1]);
  return { rows, bytes, firstByteMs, wholeMs: performance.now() - start };
}

/** Leaves in the middle of an answer, and looks whether the server goes on reading for nobody. */
async function hangUp(list: LargeList, program: Program): Promise<string> {
  const response = await open(program.port, list);
  await new Promise((resolve) => response.once('data', resolve));
  const left = (await program.stats()).statements;
  response.destroy();
  await sleep(1000);
  const after = (await program.stats()).statements - left;
  return `Statements after its reader had left: ${after}.`;
}

import { requestsOf, type Case } from './cases';
import type { Program } from './child';
import type { Data } from './data';
import { load } from './wrk';

const secondsAtATime = 5;

/** Sends at least so many requests of all cases mixed, and tells how memory goes: lines of a table, said as they come. */
export async function soak(
  wanted: number,
  cases: Case[],
  data: Data,
  program: Program,
  say: (line: string) => void,
): Promise<string[]> {
  const requests = cases.flatMap((one) => requestsOf(one, data.targets));
  const lines: string[] = [];
  const add = (line: string): void => {
    lines.push(line);
    say(line);
  };
  const megabytes = (bytes: number): string => (bytes / 1024 ** 2).toFixed(1);
  const look = async (sent: number): Promise<void> => {
    const { rss, heapUsed } = await program.stats();
    add(`| ${sent} | ${megabytes(rss)} | ${megabytes(heapUsed)} |`);
  };
  add('| requests | RSS MB | heap used MB |');
  add('|--:|--:|--:|');
  await look(0);
  let sent = 0;
  for (let step = 1; step <= 10 && sent < wanted; step += 1) {
    while (sent < (wanted * step) / 10)
      sent += (await load(program.port, data.key, requests, secondsAtATime)).requests;
    await look(sent);
  }
  return lines;
}

import { requestsOf, type Case } from './cases';
import type { Program } from './child';
import type { Data } from './data';
import { load } from './wrk';

const secondsAtATime = 5;

/** Sends at least so many requests of all cases mixed, and tells how memory goes. */
export async function soak(
  wanted: number,
  cases: Case[],
  data: Data,
  program: Program,
  say: (line: string) => void,
): Promise<void> {
  const requests = cases.flatMap((one) => requestsOf(one, data.targets));
  const megabytes = async (): Promise<string> => {
    const { rss, heapUsed } = await program.stats();
    return `| ${(rss / 1024 ** 2).toFixed(1)} | ${(heapUsed / 1024 ** 2).toFixed(1)} |`;
  };
  say('| requests | RSS MB | heap used MB |\n|--:|--:|--:|');
  say(`| 0 ${await megabytes()}`);
  let sent = 0;
  for (let step = 1; step <= 10; step += 1) {
    while (sent < (wanted * step) / 10)
      sent += (await load(program.port, data.key, requests, secondsAtATime)).requests;
    say(`| ${sent} ${await megabytes()}`);
    if (sent >= wanted) return;
  }
}

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchRequest } from './cases';

export interface Load {
  requests: number;
  seconds: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

/** Clients at a time, each with one connection that it keeps. */
export const connections = 64;

/** Seconds that a client waits for an answer, as the programs do that call us. */
const patience = 20;

/** @throws Error that tells how to get wrk, when it is not there. */
export function assertWrk(): void {
  if (spawnSync('wrk', ['-v']).error)
    throw new Error('The bench needs wrk on the PATH: apt-get install wrk, or brew install wrk.');
}

/**
 * Sends requests for some seconds, at random from those given.
 * @throws Error when one of them failed: numbers of a server that refuses are worth nothing.
 */
export async function load(
  port: number,
  key: string,
  requests: BenchRequest[],
  seconds: number,
): Promise<Load> {
  const folder = mkdtempSync(join(tmpdir(), 'aether-bench-'));
  try {
    const script = join(folder, 'requests.lua');
    writeFileSync(script, scriptOf(key, requests));
    const args = [
      '-t1',
      `-c${connections}`,
      `-d${seconds}s`,
      '--latency',
      '--timeout',
      `${patience}s`,
      '-s',
      script,
    ];
    const wrk = spawn('wrk', [...args, `http://127.0.0.1:${port}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    wrk.stdout.on('data', (text: Buffer) => (output += text.toString()));
    await once(wrk, 'close');
    const result = /^RESULT (.*)$/m.exec(output)?.[1];
    if (!result) throw new Error(`wrk said nothing of use:\n${output}`);
    const { refused, broken, ...measured } = JSON.parse(result) as Load &
      Record<'refused' | 'broken', number>;
    if (refused + broken > 0)
      throw new Error(`of ${measured.requests} requests, ${refused} were refused and ${broken} broke off`);
    return measured;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Text of ASCII in JSON is the same in Lua. */
const quoted = (text: string): string => JSON.stringify(text);

function scriptOf(key: string, requests: BenchRequest[]): string {
  const formats = requests.map(({ method, path, account, body }) => {
    const headers = [
      `["x-aether-api-key"]=${quoted(key)}`,
      `["x-account-id"]=${quoted(account)}`,
      ...(body === undefined ? [] : ['["content-type"]="application/json"']),
    ];
    const list = [
      quoted(method),
      quoted(path),
      `{${headers.join()}}`,
      body === undefined ? 'nil' : quoted(body),
    ];
    return `  requests[#requests + 1] = wrk.format(${list.join(', ')})`;
  });
  return `
local requests = {}
init = function()
  math.randomseed(20260914)
${formats.join('\n')}
end
request = function() return requests[math.random(#requests)] end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\nRESULT {"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"refused":%d,"broken":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.status, e.connect + e.read + e.write + e.timeout))
end
`;
}

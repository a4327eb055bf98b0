import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { demo } from '../../seeders/demo';
import { Caller } from '../support/callers';

/** A server as a process of its own, and somebody who calls it. */
export interface ServerProcess {
  child: ChildProcess;
  url: string;
  caller: Caller;
}

/** Starts built servers with the demo data in their database; none outlives the file. */
export function useServers(): (env: Record<string, string>) => Promise<ServerProcess> {
  const running: ChildProcess[] = [];
  afterAll(() => {
    for (const child of running) child.kill('SIGKILL');
  });
  return async (env) => {
    const child = spawn(process.execPath, [join(__dirname, '../../dist/src/main.js')], {
      env: { PATH: process.env.PATH, PORT: '0', DEMO_DATA: 'true', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.push(child);
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    for (;;) {
      const port = /"port":(\d+)/.exec(output)?.[1];
      const headers = { 'x-aether-api-key': demo.trustedKey, 'x-account-id': demo.account };
      if (port) {
        const url = `http://127.0.0.1:${port}`;
        return { child, url, caller: new Caller({ url }, headers) };
      }
      if (child.exitCode !== null) throw new Error(`the server did not start: ${output}`);
      await sleep(20);
    }
  };
}

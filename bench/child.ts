import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';

/** What a program under test tells of itself. */
export interface Stats {
  /** Requests that came in since its start: at the end of a run some are answered whose caller has gone. */
  requests: number;
  /** SQL statements sent since its start. */
  statements: number;
  rss: number;
  heapUsed: number;
}

type Question = 'stats' | 'profile' | { profileInto: string };
type Message = { port: number } | { stats: Stats } | { profiling: boolean };

/** Called by a program under test once it listens: tells its port, answers questions, and ends when nobody asks any more. */
export function report(server: Server, statements: () => number, close: () => Promise<void>): void {
  let requests = 0;
  server.on('request', () => (requests += 1));
  const profiler = new Session();
  const answerTo = async (question: Question): Promise<void> => {
    if (question === 'stats') {
      // Twice: what the first round frees may be all that holds other things.
      for (let round = 0; round < 2; round += 1) globalThis.gc?.();
      const { rss, heapUsed } = process.memoryUsage();
      send({ stats: { requests, statements: statements(), rss, heapUsed } });
      return;
    }
    if (question === 'profile') {
      profiler.connect();
      await profiler.post('Profiler.enable');
      await profiler.post('Profiler.start');
    } else {
      const { profile } = await profiler.post('Profiler.stop');
      writeFileSync(question.profileInto, JSON.stringify(profile));
      profiler.disconnect();
    }
    send({ profiling: question === 'profile' });
  };
  process.on('message', (question: Question) => void answerTo(question).catch(fail));
  process.once('disconnect', () => {
    server.close();
    server.closeAllConnections();
    close().catch(fail);
  });
  // The signal of a terminal reaches the parent too, which then ends us.
  process.on('SIGINT', () => undefined);
  send({ port: (server.address() as AddressInfo).port });
}

const fail = (error: unknown): never => {
  console.error(error);
  process.exit(1);
};

const send = (message: Message): void => void process.send?.(message);

/** A program under test, in a process of its own. */
export class Program {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  /** @throws Error when it ends before it listens. */
  static async start(file: string, env: NodeJS.ProcessEnv): Promise<Program> {
    // As `npm start` has it.
    const execArgv = ['--max-semi-space-size=64', '--heap-growing-percent=100', '--expose-gc'];
    const child = fork(join(__dirname, file), {
      env,
      execArgv,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const { port } = await answer<{ port: number }>(child, file);
    return new Program(child, port);
  }

  async stats(): Promise<Stats> {
    return (await this.ask<{ stats: Stats }>('stats')).stats;
  }

  /** Writes down what the program spends its time on while `work` goes on. */
  async profile(file: string, work: () => Promise<unknown>): Promise<void> {
    await this.ask('profile');
    await work();
    await this.ask({ profileInto: file });
  }

  private ask<T extends object>(question: Question): Promise<T> {
    this.child.send(question);
    return answer<T>(this.child, 'a program under test');
  }

  /** Memory of the process now, in bytes, without asking it. */
  rss(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
  }

  /** CPU time used so far by all threads of the process, in microseconds. */
  cpu(): number {
    const text = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8');
    // The name of the program may hold spaces; what follows it does not.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    if (this.child.connected) this.child.disconnect();
    await ended;
  }
}

/** The kernel counts in hundredths of a second for programs, whatever it does inside. */
const microsecondsPerTick = 10_000;

async function answer<T extends object>(child: ChildProcess, name: string): Promise<T> {
  const gone = new AbortController();
  try {
    const [message] = (await Promise.race([
      once(child, 'message', gone),
      once(child, 'exit', gone).then(() => {
        throw new Error(`${name} has ended`);
      }),
    ])) as [T];
    return message;
  } finally {
    gone.abort();
  }
}

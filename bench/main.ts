import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem, type } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cases as allCases, requestsOf, type Case } from './cases';
import { Program } from './child';
import { seedData, type Data } from './data';
import { openBenchDatabase } from './database';
import { large } from './large';
import { measure, watchSteal, type Rounds } from './measure';
import { save } from './results';
import { searchAll } from './search';
import { soak } from './soak';
import { tableOf } from './table';
import { verify } from './verify';
import { assertWrk, connections, load } from './wrk';

const usage = `npm run bench -- [options]
  --case NAME      one of ${allCases.map(({ name }) => name).join(', ')}; may be given several times (all)
  --seconds N      of each measurement (5)
  --rounds N       measurements of each program in each case, of which the median counts (3)
  --factor N       size of the show beside the data that is asked for; 1 is a whole one (0.25)
  --search         searches a show on each database instead, with and without its index
  --soak N         sends N requests to our server alone, and tells how its memory goes
  --large          asks our server alone for whole lists in one answer, and tells time and memory (use --factor 5)
  --profile DIR    measures our server alone, and leaves a CPU profile of each case there
  --save           puts the result, or that of the soak, into bench/RESULTS.md
BENCH_DATABASE_URL names a MariaDB to make a database on; without it the bench starts one of its own.`;

const say = (line: string): void => console.log(line);
const tell = (line: string): void => console.error(line);

async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      case: { type: 'string', multiple: true },
      seconds: { type: 'string', default: '5' },
      rounds: { type: 'string', default: '3' },
      factor: { type: 'string', default: '0.25' },
      search: { type: 'boolean', default: false },
      soak: { type: 'string' },
      large: { type: 'boolean', default: false },
      profile: { type: 'string' },
      save: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (options.help) {
    say(usage);
    return;
  }
  const cases = chosen(options.case);
  const [busy = 0] = loadavg();
  const rounds = { seconds: Number(options.seconds), rounds: Number(options.rounds), warmUp: 3 };
  if (!options.search) assertWrk();

  const cleanUp: (() => unknown)[] = [];
  try {
    const folder = mkdtempSync(join(tmpdir(), 'aether-bench-'));
    cleanUp.push(() => rmSync(folder, { recursive: true, force: true }));
    // Every MariaDB that starts sweeps the folder of temporary files, also of those that others are using.
    process.env.TMPDIR = folder;
    const database = await openBenchDatabase();
    cleanUp.push(() => database.stop());
    const env = environment(database.url, folder);

    if (options.search) {
      const text = await searchAll(env, Number(options.factor), tell);
      say(text);
      if (options.save)
        save('Search', `${machine(database.version)}, whose load was ${busy.toFixed(1)} before.\n${text}`);
      return;
    }

    const start = Date.now();
    const data = await seedData(env, Number(options.factor));
    tell(`${data.rows} rows seeded in ${((Date.now() - start) / 1000).toFixed(1)} s`);

    const ours = await Program.start('ours.js', env);
    cleanUp.push(() => ours.stop());
    const byHand = await Program.start('by-hand.js', env);
    cleanUp.push(() => byHand.stop());
    await verify(cases, data, { ours: ours.port, byHand: byHand.port });
    tell('both programs answer the same');

    if (options.large) {
      const lines = await large(data.wholeLists, ours, say);
      if (options.save) save('Whole lists in one answer', lines.join('\n'));
    } else if (options.soak) {
      const lines = await soak(Number(options.soak), cases, data, ours, say);
      if (options.save)
        save(
          'Memory over many requests',
          `All cases mixed, sent to our server alone.\n\n${lines.join('\n')}`,
        );
    } else if (options.profile) await profile(resolve(options.profile), cases, data, ours, rounds);
    else {
      const running = { ours, byHand };
      const stolen = watchSteal();
      const results = await measure(cases, data, running, rounds, tell);
      const ends = { ours: await ours.stats(), byHand: await byHand.stats() };
      const text = `${about(database.version, data, { busy, stolen: stolen() })}\n\n${tableOf(results, ends)}`;
      say(text);
      if (options.save) save('Speed beside a hand-written program', `${comparison}\n\n${text}`);
    }
  } finally {
    for (const step of cleanUp.reverse()) await step();
  }
}

function chosen(names: string[] | undefined): Case[] {
  if (!names) return allCases;
  return names.map((name) => {
    const one = allCases.find((known) => known.name === name);
    if (!one) throw new Error(`There is no case "${name}".\n\n${usage}`);
    return one;
  });
}

/** What both programs are started with: nothing of the shell's but the way to their commands. */
const environment = (databaseUrl: string, folder: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  NODE_ENV: 'production',
  LOG_LEVEL: 'warn',
  HOST: '127.0.0.1',
  PORT: '0',
  DATABASE_URL: databaseUrl,
  DATA_DIR: folder,
  AE_API_JWT_KEY: randomBytes(32).toString('hex'),
});

async function profile(
  folder: string,
  cases: Case[],
  data: Data,
  program: Program,
  { seconds, warmUp }: Rounds,
) {
  mkdirSync(folder, { recursive: true });
  for (const one of cases) {
    const exercise = (time: number) => load(program.port, data.key, requestsOf(one, data.targets), time);
    await exercise(warmUp);
    const file = join(folder, `${one.name}.cpuprofile`);
    await program.profile(file, () => exercise(seconds));
    say(file);
  }
}

const comparison = `The program beside ours is \`by-hand.ts\`: \`node:http\` and the MariaDB connector, written for just these requests. Both answer
the same JSON, which is checked before anything is measured, and both check the key and the account of each call.`;

/** The machine, in words that fit any. */
const machine = (mariadb: string): string =>
  `${cpus().length} cores, ${Math.round(totalmem() / 1024 ** 3)} GiB, ${type()}, Node ${process.version}, MariaDB ${mariadb}`;

/** The machine and the run. */
function about(mariadb: string, { rows }: Data, { busy, stolen }: { busy: number; stolen: number }): string {
  return [
    `${machine(mariadb)}; load generator, database and`,
    `server share the machine, whose load was ${busy.toFixed(1)} before, and which lost ${(100 * stolen).toFixed(1)} % of its time to its host.`,
    `${connections} connections that are kept, ${rows} rows. Medians; the ratio is ours to the hand-written program.`,
  ].join('\n');
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

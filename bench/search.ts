import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { pino } from 'pino';
import { seed } from '../seeders/rows';
import { seedShow } from '../seeders/show';
import { readConfig } from '../src/config';
import { indexedWords } from '../src/database/full-text';
import { allEntities } from '../src/kernel/entity';
import type { Services } from '../src/kernel/context';
import { openServices } from '../src/services';
import { Program } from './child';

/** What is searched for: a name, a word of half of the rows, their beginnings, two words, and what is nowhere. */
const searches: [type: string, q: string][] = [
  ['event_badge', 'nakamura'],
  ['event_badge', 'nak'],
  ['event_badge', 'n'],
  ['event_badge', 'university'],
  ['event_badge', 'zoë nakamura'],
  ['event_badge', 'nowhere'],
  ['event_file', 'talk'],
  ['event_file', 'nowhere'],
  ['event_session', 'nakamura'],
];

/** Accounts with a show each: an index is shared by all of them. */
const accounts = ['Search-Acct-1', 'Search-Acct-2', 'Search-Acct-3'];

const times = 21;

interface Answer {
  total: number;
  ids: string[];
  /** Milliseconds; the median. */
  took: number;
}

/**
 * Searches a show through REST, on the embedded database, and on MariaDB without and with its index; answers a table.
 * @throws Error when they do not find the same.
 */
export async function searchAll(
  env: NodeJS.ProcessEnv,
  factor: number,
  tell: (line: string) => void,
): Promise<string> {
  const { DATABASE_URL: _, ...others } = env;
  const embedded = { ...others, NODE_ENV: 'test' };
  const rows = await seedShows(embedded, factor, tell);
  const onSqlite = await measure(embedded, tell);
  await seedShows(env, factor, tell);
  const withIndex = await measure(env, tell);
  await changed(env, async ({ database, indexedWords: tables }) => {
    for (const table of tables)
      await database.sequelize.query(
        `ALTER TABLE \`${table}\` DROP COLUMN \`${indexedWords('default_qry_str')}\``,
      );
  });
  const without = await measure(env, tell);

  const lines = [
    `${accounts.length} accounts, ${rows} rows in all; a page of 100 and the count, through REST, the median of ${times} in ms.`,
    '',
    '| search | found | embedded | MariaDB without the index | MariaDB |',
    '|---|--:|--:|--:|--:|',
  ];
  for (const [index, [type, q]] of searches.entries()) {
    const answers = [onSqlite, without, withIndex].map((all) => all[index]!);
    const [first, ...rest] = answers.map(({ total, ids }) => ({ total, ids }));
    if (rest.some((other) => !isDeepStrictEqual(other, first)))
      throw new Error(`${type}, ${q}: the databases do not find the same`);
    const took = answers.map((answer) => answer.took.toFixed(1));
    lines.push(`| ${[`\`${q}\` in ${type}`, first?.total, ...took].join(' | ')} |`);
  }
  return lines.join('\n');
}

async function seedShows(
  env: NodeJS.ProcessEnv,
  factor: number,
  tell: (line: string) => void,
): Promise<number> {
  let rows = 0;
  await changed(env, async (services) => {
    await seed(services, [
      { type: 'api_key', id: 'BenchKey-001', values: { name: 'Bench', publicKey: key, level: 'trusted' } },
    ]);
    for (const account of accounts) {
      rows += (await seedShow(services, { factor, account })).made;
      tell(`${account} seeded`);
    }
    if (services.database.dialect === 'mariadb')
      for (const { table } of allEntities()) await services.database.select(`ANALYZE TABLE \`${table}\``);
  });
  return rows;
}

const key = `bench-${randomBytes(6).toString('hex')}`;

async function changed(env: NodeJS.ProcessEnv, work: (services: Services) => Promise<void>): Promise<void> {
  const services = await openServices(readConfig(env), pino({ level: 'warn' }));
  try {
    await work(services);
  } finally {
    await services.close();
  }
}

async function measure(env: NodeJS.ProcessEnv, tell: (line: string) => void): Promise<Answer[]> {
  const program = await Program.start('ours.js', env);
  try {
    const answers: Answer[] = [];
    for (const [type, q] of searches) {
      const answer = await repeated(program.port, `/v3/crud/${type}/?limit=100&q=${encodeURIComponent(q)}`);
      tell(`${type}, ${q}: ${answer.total} found in ${answer.took.toFixed(1)} ms`);
      answers.push(answer);
    }
    return answers;
  } finally {
    await program.stop();
  }
}

async function repeated(port: number, path: string): Promise<Answer> {
  const headers = { 'x-aether-api-key': key, 'x-account-id': accounts[1]! };
  const took: number[] = [];
  let answer: { data: { id: string }[]; meta: { total: number } } | undefined;
  for (let n = 0; n < times; n += 1) {
    const start = performance.now();
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    answer = (await response.json()) as typeof answer;
    took.push(performance.now() - start);
    if (response.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  }
  took.sort((a, b) => a - b);
  return {
    total: answer?.meta.total ?? 0,
    ids: answer?.data.map(({ id }) => id) ?? [],
    took: took[Math.floor(times / 2)] ?? NaN,
  };
}

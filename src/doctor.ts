import 'reflect-metadata';
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { checkConfig, ConfigError } from './config';
import { openDatabase } from './database/open';
import { apply, type Applied } from './doctor/changes';
import { doctor, type Outcome } from './doctor/doctor';
import type { Progress } from './doctor/examine';
import './resolvers';

const usage = `npm run doctor -- [options]
  Looks for values in the database that are not what the product declares. It finds the database as the server does,
  by DATABASE_URL or DATA_DIR, and may run while servers do.
  --fix            repairs what can be repaired without guessing, in one transaction; what was there before is on disk
                   by then, in a file in DATA_DIR
  --undo FILE      puts back what such a file says, where nobody has changed it since
  --only TYPES     looks at these types alone, such as event,event_session
  --examples N     names so many rows of each kind of finding (5)
  --json           reports as JSON
Ends with 0 when nothing is wrong any more, 1 when something is, 2 when it could not do its work.`;

const say = (text: string): void => console.log(text);

async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      fix: { type: 'boolean', default: false },
      undo: { type: 'string' },
      only: { type: 'string' },
      examples: { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (options.help) {
    say(usage);
    return 0;
  }
  const examples = Number(options.examples);
  if (!Number.isInteger(examples) || examples < 0) throw new Error(`--examples takes a number.\n\n${usage}`);
  if (options.undo !== undefined && (options.fix || options.only !== undefined))
    throw new Error(`--undo takes neither --fix nor --only.\n\n${usage}`);

  // What else the server needs does not matter here.
  const { config, problems } = checkConfig();
  if (!config) throw new ConfigError(problems);
  const { databaseUrl: url, dataDir } = config;
  // Opening the embedded database would make it.
  if (!url && !existsSync(dataDir)) throw new Error(`There is no database in ${dataDir}.`);
  const database = await openDatabase({ url, dataDir, poolMax: 4 });
  try {
    if (options.undo !== undefined) {
      const applied = await apply(database, options.undo, 'undo');
      say(options.json ? JSON.stringify({ file: options.undo, applied }) : textOf(applied, 'put back'));
      return applied.left > 0 ? 1 : 0;
    }
    const started = Date.now();
    const outcome = await doctor(database, {
      fixInto: options.fix ? dataDir : undefined,
      types: options.only?.split(','),
      examples,
      told: process.stderr.isTTY ? showProgress : () => undefined,
    });
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const { report, applied } = outcome;
    const remaining = report.count - (applied?.changed ?? 0) - (applied?.already ?? 0);
    say(options.json ? jsonOf(outcome) : reportOf(outcome, (Date.now() - started) / 1000));
    return remaining > 0 ? 1 : 0;
  } finally {
    await database.close();
  }
}

function showProgress({ table, rows, of }: Progress): void {
  process.stderr.write(`\r\x1b[K${table}: ${String(rows)} of ${String(of)} rows`);
}

const jsonOf = ({ report, notes, file, applied }: Outcome): string => {
  const { rows, count, repairable, found } = report;
  return JSON.stringify({ rows, count, repairable, found, notes, file, applied });
};

function reportOf({ report, notes, file, applied }: Outcome, seconds: number): string {
  const { rows, count, repairable } = report;
  const summary = `${String(count)} values of ${String(rows)} rows are not what they should be, looked at in ${seconds.toFixed(1)} s.`;
  const repairs = applied
    ? `${textOf(applied, 'repaired')}\nTo take it back: npm run doctor -- --undo ${file ?? ''}`
    : `${String(repairable)} of them can be repaired: npm run doctor -- --fix`;
  return [...notes.map((note) => `Note: ${note}`), report.text, summary, ...(repairable > 0 ? [repairs] : [])]
    .filter(Boolean)
    .join('\n');
}

function textOf({ changed, already, left, examples }: Applied, done: string): string {
  const others = examples.map(({ table, pk, column }) => `  ${table} ${String(pk)}: ${column}`);
  return [
    `${String(changed)} values were ${done}.`,
    ...(already > 0 ? [`${String(already)} were so already.`] : []),
    ...(left > 0 ? [`${String(left)} were left alone: somebody else has changed them.`, ...others] : []),
  ].join('\n');
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  },
);

import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { readConfig } from './config';
import type { Database } from './database/database';
import { openDatabase } from './database/open';
import { allEntities, findEntity, type Entity } from './kernel/entity';
import { tablesOf } from './kernel/registry';
import { rebuildTexts } from './kernel/search-text';
import './resolvers';

const usage = `npm run search:rebuild -- [options]
  --type NAME   one type, such as event_badge; may be given several times (all)
  --check       writes nothing, and fails when a text is out of date
Servers may run meanwhile. It may be stopped at any time: what is up to date is left alone the next time.`;

/** Brings the search texts of the database that the configuration names up to date. */
async function main(): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      type: { type: 'string', multiple: true },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (options.help) {
    console.log(usage);
    return;
  }
  const types = chosen(options.type);
  const { databaseUrl, dataDir } = readConfig();
  const database = await openDatabase({ url: databaseUrl, dataDir, poolMax: 2 });
  const start = Date.now();
  let [read, stale] = [0, 0];
  try {
    await database.fit(tablesOf());
    for (const type of types) {
      if (!database.keeps(type.table, 'default_qry_str')) {
        console.error(`${type.table}: left out, its table has no column for it`);
        continue;
      }
      const done = await rebuild(database, type, options.check);
      read += done.read;
      stale += done.stale;
    }
  } finally {
    await database.close();
  }
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  const what = options.check ? 'are out of date' : 'were out of date, and are not any more';
  console.log(`${String(read)} search texts in ${seconds} s: ${String(stale)} ${what}`);
  if (options.check && stale > 0) process.exitCode = 1;
}

function chosen(names: string[] | undefined): Entity[] {
  const searched = allEntities().filter(({ attributes }) => attributes.has('defaultQryStr'));
  if (!names) return searched;
  return names.map((name) => {
    const type = findEntity(name);
    if (!type || !searched.includes(type)) throw new Error(`No type "${name}" is searched.\n\n${usage}`);
    return type;
  });
}

async function rebuild(
  database: Database,
  type: Entity,
  check: boolean,
): Promise<{ read: number; stale: number }> {
  const sum = { read: 0, stale: 0 };
  const tell = (end: string): void => {
    process.stderr.write(`\r${type.table}: ${String(sum.read)} read, ${String(sum.stale)} out of date${end}`);
  };
  for await (const page of rebuildTexts(database, type, { check })) {
    sum.read += page.read;
    sum.stale += page.stale;
    if (process.stderr.isTTY) tell('');
  }
  tell('\n');
  return sum;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

import 'reflect-metadata';
import { mkdirSync, readdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { createTableSql } from './database/table-sql';
import { diffTables, foldSteps, tableOf, type MigrationStep } from './database/tables';
import { accessText } from './docs/access';
import { makeSchema } from './graphql/schema';
import { packageRoot } from './paths';
import { resolvers } from './resolvers';
import { openApiOf } from './rest/openapi';
import { breakingChanges } from './schema-changes';
import { allTables } from './tables';

/*
 * `npm run schema`: writes what follows from the declarations into schema/, for people and programs to read: the graph, the REST
 * document, the tables, and a migration for what the tables do not have yet. What programs rely on may only go with `--breaking`.
 * With `--check` it writes nothing, and fails when something would change.
 */

const folder = join(packageRoot, 'schema');
const migrations = join(folder, 'migrations');

function generate(): Map<string, string> {
  const schema = makeSchema(resolvers);
  const tables = allTables();
  const files = new Map([
    ['schema.graphql', `${printSchema(lexicographicSortSchema(schema))}\n`],
    ['openapi.json', `${JSON.stringify(openApiOf(schema), null, 2)}\n`],
    ['access.md', accessText()],
    ['tables.sql', `${tables.flatMap((table) => createTableSql(table, 'mariadb')).join(';\n\n')};\n`],
  ]);
  const names = existsSync(migrations)
    ? readdirSync(migrations)
        .filter((name) => name.endsWith('.json'))
        .sort()
    : [];
  const before = foldSteps(
    names.flatMap((name) => JSON.parse(readFileSync(join(migrations, name), 'utf8')) as MigrationStep[]),
  );
  const steps = diffTables(before, tables);
  if (steps.length > 0) {
    const number = String(names.length + 1).padStart(4, '0');
    files.set(`migrations/${number}-${nameOf(steps)}.json`, `${JSON.stringify(steps, null, 2)}\n`);
  }
  return files;
}

/** A migration is called after the first table that it touches. */
const nameOf = ([step]: MigrationStep[]): string => (step ? tableOf(step) : 'change').replaceAll('_', '-');

const check = process.argv.includes('--check');
mkdirSync(migrations, { recursive: true });
const files = generate();
const before = new Map(
  [...files.keys()]
    .map((name) => [name, join(folder, name)] as const)
    .filter(([, path]) => existsSync(path))
    .map(([name, path]) => [name, readFileSync(path, 'utf8')] as const),
);
const breaking = process.argv.includes('--breaking') ? [] : breakingChanges(before, files);
if (breaking.length > 0) {
  console.error(
    `Programs may rely on what is gone; nothing was written. If it must go: npm run schema -- --breaking`,
  );
  for (const change of breaking) console.error(`  - ${change}`);
  process.exitCode = 1;
} else
  for (const [name, text] of files) {
    if (before.get(name) === text) continue;
    if (check) {
      console.error(`schema/${name} is not what the declarations say: run npm run schema`);
      process.exitCode = 1;
    } else {
      writeFileSync(join(folder, name), text);
      console.log(`schema/${name}`);
    }
  }

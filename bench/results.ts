import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/paths';

const file = join(packageRoot, 'bench/RESULTS.md');

/** Puts a text under its heading in RESULTS.md, in place of the last one there; all else stays. */
export function save(heading: string, text: string): void {
  const sections = readFileSync(file, 'utf8').split(/^(?=## )/m);
  const section = `## ${heading}\n\n${origin()}\n\n${text.trim()}\n\n`;
  const at = sections.findIndex((known) => known.startsWith(`## ${heading}\n`));
  if (at < 0) sections.push(`\n${section}`);
  else sections[at] = section;
  writeFileSync(file, `${sections.join('').trim()}\n`);
}

const origin = (): string =>
  `${new Date().toISOString().slice(0, 10)}, made by \`npm run bench -- ${process.argv.slice(2).join(' ')}\`.`;

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/paths';

const file = join(packageRoot, 'bench/RESULTS.md');
const memoryHead = '## Memory over many requests';

/** Puts the figures of a run into RESULTS.md, in place of the last ones; those of the soak stay. */
export function saveSpeed(text: string): void {
  const { memory } = read();
  writeFileSync(
    file,
    `# Results of the bench

${origin()}

The program beside ours is \`by-hand.ts\`: \`node:http\` and the MariaDB connector, written for just these requests. Both answer
the same JSON, which is checked before anything is measured, and both check the key and the account of each call.

${text}${memory}`,
  );
}

/** The same for the figures of a soak; those of speed stay. */
export function saveMemory(lines: string[]): void {
  const about = `${origin()} All cases mixed, sent to our server alone.`;
  writeFileSync(file, `${read().speed}\n${memoryHead}\n\n${about}\n\n${lines.join('\n')}\n`);
}

const origin = (): string =>
  `${new Date().toISOString().slice(0, 10)}, made by \`npm run bench -- ${process.argv.slice(2).join(' ')}\`.`;

function read(): { speed: string; memory: string } {
  const text = readFileSync(file, 'utf8');
  const at = text.indexOf('\n## Memory');
  return at < 0 ? { speed: text, memory: '' } : { speed: text.slice(0, at), memory: text.slice(at) };
}

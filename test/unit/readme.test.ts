import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

test('the type that the README shows is the one in the sources', () => {
  expect(read('README.md')).toContain(read('src/events/location.ts').trimEnd());
});

test('.env.example names every variable that the configuration reads, and no other', () => {
  const [, declared = ''] = /z\.object\(\{([\s\S]*?)\n\}\);/.exec(read('src/config.ts')) ?? [];
  const known = [...declared.matchAll(/^ {2}([A-Z_]+):/gm)].map(([, name]) => name);
  const told = [...read('.env.example').matchAll(/^#? ?([A-Z_]+)=/gm)].map(([, name]) => name);
  expect(known.length).toBeGreaterThan(10);
  expect([...new Set(told)].sort()).toEqual([...known].sort());
});

test('the links of the README lead to files that are there', () => {
  const links = [...read('README.md').matchAll(/\]\((?!http)([^)#]+)\)/g)].map(([, path]) => path ?? '');
  expect(links.length).toBeGreaterThan(0);
  expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([]);
});

import { readFileSync } from 'node:fs';

// For .ci/run: the last test run in one line, and a failure when a part of it did not run.
let report;
try {
  report = JSON.parse(readFileSync(new URL('../.data/test-report.json', import.meta.url), 'utf8'));
} catch {
  console.error('The test runner left no report.');
  report = { passed: 0, failed: 0, skipped: 0, parts: {} };
}

const { passed, failed, skipped, parts } = report;
const missing = ['mariadb', 'redis', 'browser'].filter((part) => !(parts[part]?.passed > 0));
for (const part of missing) console.error(`The ${part} part did not run.`);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || passed === 0 || missing.length > 0 ? 1 : 0;

const { mkdirSync, writeFileSync } = require('node:fs');
const { join, sep } = require('node:path');

const reportFile = join(__dirname, '../../.data/test-report.json');

/** Writes what Jest counted to .data/test-report.json: in all, by project, and for the parts that need a server. */
module.exports = class Report {
  onRunComplete(contexts, results) {
    const parts = { mariadb: tally(), redis: tally(), browser: tally() };
    const projects = {};
    for (const file of results.testResults) {
      const project = file.displayName?.name ?? 'none';
      projects[project] ??= tally();
      for (const test of file.testResults) {
        count(projects[project], test);
        if (project === 'mariadb') count(parts.mariadb, test);
        // The title that describeWithRedis gives.
        if (test.fullName.includes('(on Redis)')) count(parts.redis, test);
        if (file.testFilePath.includes(`${sep}browser${sep}`)) count(parts.browser, test);
      }
    }
    const report = {
      passed: results.numPassedTests,
      // A file that does not even load has no tests to count, but it has failed.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
      seconds: Math.round((Date.now() - results.startTime) / 1000),
      projects,
      parts,
    };
    mkdirSync(join(reportFile, '..'), { recursive: true });
    writeFileSync(reportFile, `${JSON.stringify(report, null, 2)}\n`);
  }
};

function tally() {
  return { passed: 0, failed: 0, skipped: 0 };
}

function count(into, { status }) {
  if (status === 'passed') into.passed += 1;
  else if (status === 'failed') into.failed += 1;
  else into.skipped += 1;
}

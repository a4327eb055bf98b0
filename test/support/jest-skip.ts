import { mariadbServer, redisServer } from './jest-target';

// Runs before each file of the `mariadb` project: without its servers the tests stay in the report, as skipped.
if (!mariadbServer || !redisServer) {
  const { describe: suite, test: one } = globalThis;
  globalThis.describe = Object.assign(suite.skip, { only: suite.skip, skip: suite.skip });
  globalThis.test = Object.assign(one.skip, {
    only: one.skip,
    skip: one.skip,
    todo: one.todo,
    failing: one.skip,
    concurrent: one.skip,
  });
  globalThis.it = globalThis.test;
}

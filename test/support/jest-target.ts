/** The database that this run of a test file is about: every file outside the `once` folders runs on both. */
export type TestTarget = 'embedded' | 'mariadb';

declare global {
  /** Set by jest.config.js for each project. */
  var testTarget: TestTarget;
}

export const target: TestTarget = globalThis.testTarget;

/**
 * Address of the run's MariaDB with an empty database, for `freshDatabase`; undefined when there is none.
 * All workers share the server: each takes databases of its own.
 */
export const mariadbServer = process.env.TEST_MARIADB_SERVER;

/** Address of the run's Redis, shared by all workers; undefined when there is none. */
export const redisServer = process.env.TEST_REDIS_SERVER;

/** Suites that need the server whatever the target. Without it they are skipped, which `.ci/run` does not let pass. */
export const describeWithMariadb = (name: string, body: () => void): void => {
  (mariadbServer ? describe : describe.skip)(`${name} (on MariaDB)`, body);
};
export const describeWithRedis = (name: string, body: () => void): void => {
  (redisServer ? describe : describe.skip)(`${name} (on Redis)`, body);
};

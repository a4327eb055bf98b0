/**
 * Three projects over one folder. `embedded` and `mariadb` run the same files, once on each database;
 * `once` runs what has no database under it, or brings its own.
 * A test reads its database from `test/support/jest-target.ts`.
 */

const onceOnly = ['unit', 'files', 'novi', 'database', 'browser', 'docs'];
const inOnceOnly = `<rootDir>/test/(${onceOnly.join('|')})/`;

/** Packages that come as ES modules alone; Jest's `require` needs them compiled. */
const esModules = [
  'file-type',
  'jose',
  'strtok3',
  'token-types',
  'uint8array-extras',
  '@tokenizer/inflate',
  '@borewit/text-codec',
];

const swc = [
  '@swc/jest',
  {
    swcrc: false,
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
    jsc: {
      target: 'es2022',
      keepClassNames: true,
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    },
  },
];

const common = {
  rootDir: __dirname,
  roots: ['<rootDir>/src', '<rootDir>/seeders', '<rootDir>/test'],
  testEnvironment: 'node',
  setupFiles: ['<rootDir>/test/support/jest-speed.js'],
  transform: { '\\.[jt]s$': swc },
  transformIgnorePatterns: [`/node_modules/(?!(?:${esModules.join('|')})/)`],
  // Its "exports" offer no entry to `require`.
  moduleNameMapper: { '^file-type$': '<rootDir>/node_modules/file-type/index.js' },
};

const servers = {
  globalSetup: '<rootDir>/test/support/jest-servers.ts',
  globalTeardown: '<rootDir>/test/support/jest-servers-stop.ts',
};

module.exports = {
  maxWorkers: 2,
  // Jest does not let go of all that a file has loaded: collecting the garbage of gigabytes would take most of the time.
  workerIdleMemoryLimit: '600MB',
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/test/support/jest-report.js'],
  projects: [
    {
      ...common,
      ...servers,
      displayName: 'once',
      testMatch: [`<rootDir>/test/{${onceOnly.join(',')}}/**/*.test.ts`],
      globals: { testTarget: 'embedded' },
    },
    {
      ...common,
      displayName: 'embedded',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: [inOnceOnly],
      globals: { testTarget: 'embedded' },
    },
    {
      ...common,
      ...servers,
      displayName: 'mariadb',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: [inOnceOnly],
      globals: { testTarget: 'mariadb' },
      setupFilesAfterEnv: ['<rootDir>/test/support/jest-skip.ts'],
    },
  ],
};

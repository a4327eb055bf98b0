/**
 * Who may import whom. A folder of src may import itself and what stands in its line here;
 * names are folders of src, or single files of it without their ending.
 */
const mayImport = {
  kernel: ['database', 'cache'],
  database: ['kernel/errors'],
  auth: ['kernel', 'accounts', 'database', 'mail'],
  accounts: ['kernel', 'auth'],
  files: ['kernel', 'accounts'],
  events: ['kernel', 'accounts', 'files'],
  content: ['kernel', 'accounts', 'files'],
  commerce: ['kernel'],
  lookups: ['kernel'],
  novi: ['kernel', 'accounts', 'cache', 'public-fetch'],
  graphql: ['kernel'],
  legacy: ['kernel', 'database', 'metrics', 'graphql'],
  docs: ['kernel', 'rest', 'legacy', 'config'],
  doctor: ['kernel', 'database'],
  replay: ['kernel'],
  // REST's actions call the code of the modules directly.
  rest: [
    'kernel',
    'request-log',
    'graphql',
    'auth',
    'accounts',
    'files',
    'events',
    'content',
    'novi',
    'legacy',
  ],
};

/** What any folder may see: the interface of the database, not its makers; where the package lies. */
const forAll = ['database/database', 'paths', 'http'];

/** The files that put everything together. */
const composers = [
  'app',
  'main',
  'demo',
  'services',
  'resolvers',
  'schema-files',
  'search-rebuild',
  'doctor',
  'replay',
  'tables',
];

const folders = Object.keys(mayImport).join('|');
const composerPath = `^src/(${composers.join('|')})\\.ts$`;

/** `cache` also means cache-redis.ts and the like. */
const pathOf = (name) => (name in mayImport ? `^src/${name}/` : `^src/${name}[.-]`);

const layers = Object.entries(mayImport).map(([folder, others]) => ({
  name: `${folder}-imports-only-what-is-below`,
  comment: `src/${folder} may import ${[folder, ...others].join(', ')}; see mayImport.`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: [folder, ...others, ...forAll].map(pathOf) },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...layers,
    {
      name: 'folder-without-a-place',
      comment: 'Give the folder its line in mayImport.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: `^src/(${folders})/` },
      to: { path: '^src/' },
    },
    {
      name: 'only-composers-see-all',
      comment: 'A single file of src may use the kernel and other single files, nothing of the modules.',
      severity: 'error',
      from: { path: '^src/[^/]+\\.ts$', pathNot: composerPath },
      to: { path: ['^src/[^/]+/', composerPath], pathNot: '^src/kernel/' },
    },
    {
      name: 'no-circle',
      comment:
        'Files that need each other when they load. Types are gone by then, so circles of types alone pass.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'product-without-tests',
      severity: 'error',
      from: { path: '^(src|seeders)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'product-without-dev-dependencies',
      comment: 'It is not installed where the product runs.',
      severity: 'error',
      from: { path: '^(src|seeders)/' },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['npm', 'type-only'],
      },
    },
    {
      name: 'declared-packages-only',
      comment: 'Not in package.json: it is there by chance.',
      severity: 'error',
      from: { path: '^(src|seeders|bench)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'require', 'default', 'types'],
      mainFields: ['main', 'types'],
    },
  },
};

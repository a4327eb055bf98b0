import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** `sequelize.query` answers differently per dialect and statement; the database folder wraps it. */
const bareQuery = {
  selector:
    'CallExpression[callee.property.name="query"]:matches([callee.object.name="sequelize"], [callee.object.property.name="sequelize"])',
  message: 'Use Database.select, or put the statement in src/database.',
};
const environment = {
  selector: 'MemberExpression[object.name="process"][property.name="env"]',
  message: 'src/config.ts is the only reader of the environment.',
};
const focusedTest = {
  selector: 'MemberExpression[property.name="only"]:matches([object.name=/^(describe|test|it)$/])',
  message: 'A focused test hides all others.',
};

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', '.data/', 'schema/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },

  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', ignoreRestSiblings: true, caughtErrors: 'none' },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-misused-promises': [
        'error',
        // An async listener is fine where its errors are caught inside.
        { checksVoidReturn: { attributes: false, inheritedMethods: false } },
      ],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/no-invalid-void-type': ['error', { allowAsThisParameter: true }],
      // Counting a text's characters is done by spreading it.
      '@typescript-eslint/no-misused-spread': ['error', { allow: ['string'] }],
      // Types are made by class factories: empty classes that decorators fill.
      '@typescript-eslint/no-extraneous-class': 'off',
      // Interfaces ask for promises where one of their makers has nothing to wait for.
      '@typescript-eslint/require-await': 'off',
      // What the compiler believes about a row or a request is a promise by others; checks of it stay.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
      // GraphQL's kinds are enums whose values are the very strings they are compared with.
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      // Recurses without end over types that contain themselves, such as JSON values.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',

      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'no-else-return': 'error',
      'no-self-compare': 'error',
      'no-template-curly-in-string': 'error',
      'no-unmodified-loop-condition': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'no-restricted-syntax': ['error', environment, bareQuery, focusedTest],
    },
  },

  // Each block below says again which of the restricted things remain restricted.
  {
    files: ['src/config.ts'],
    rules: { 'no-restricted-syntax': ['error', bareQuery] },
  },
  {
    files: ['src/database/**'],
    rules: { 'no-restricted-syntax': ['error', environment] },
  },
  {
    files: [
      'src/main.ts',
      'src/schema-files.ts',
      'src/search-rebuild.ts',
      'src/doctor.ts',
      'src/replay.ts',
      'seeders/**',
      'bench/**',
      'test/support/**',
    ],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      // Answers are JSON, and a wrong guess of its shape fails the test anyway.
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      'no-restricted-syntax': ['error', focusedTest],
    },
  },

  {
    files: ['**/*.{js,mjs,cjs}'],
    rules: { eqeqeq: 'error', 'no-unused-vars': 'error', 'prefer-const': 'error', 'no-var': 'error' },
  },
);

import js from '@eslint/js'
import prettier from 'eslint-config-prettier'
import { defineConfig, globalIgnores } from 'eslint/config'
import ts from 'typescript-eslint'

const nodeGlobals = [
  'process',
  'console',
  'Buffer',
  'AbortController',
  'AbortSignal',
  'URL',
  'performance',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
]

export default defineConfig(
  globalIgnores(['dist/', 'docs/api/', 'coverage/', '.servers/']),
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [ts.configs.strictTypeChecked, ts.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // `case` after `case` over unions ends in `satisfies never`; the rule also catches a union that grew.
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      // `close()` and the like return promises to callers who may not need them; `void` says so in the open.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      // Numbers in texts are plain; `any`, objects and `undefined` in one are still mistakes.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `while (true)` and friends are how a read loop is written.
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      // An empty listener or `catch` says that nothing is to be done; a named empty function says nothing.
      '@typescript-eslint/no-empty-function': ['error', { allow: ['arrowFunctions'] }],
      // Off: `if (done) return reject(error)` is shorter than the same in two lines.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Off: isolatedDeclarations wants the type of an exported default written down.
      '@typescript-eslint/no-inferrable-types': 'off',
      // Off: an abort rejects with `signal.reason` untouched, which may be anything (DESIGN §1.5).
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      // Off: an async function that never awaits is how a synchronous throw becomes a rejection.
      '@typescript-eslint/require-await': 'off',
      // Off: index signatures are reached by `['name']` under TypeScript's own stricter rule.
      '@typescript-eslint/dot-notation': 'off',
    },
  },
  {
    files: ['examples/dashboard/page/**/*.{ts,tsx}'],
    languageOptions: {
      parserOptions: {
        project: './examples/dashboard/page/tsconfig.json',
        tsconfigRootDir: import.meta.dirname,
      },
    },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: Object.fromEntries(nodeGlobals.map((name) => [name, 'readonly'])) },
  },
  prettier,
)

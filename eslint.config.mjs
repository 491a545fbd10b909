import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const hostGlobals = [
  'Buffer',
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'crypto',
  'fetch',
  'require',
  'window',
  'document',
];
const clockAndChance = [
  { object: 'Date', property: 'now', message: 'Time comes in through an interface.' },
  { object: 'Math', property: 'random', message: 'A run repeats exactly: no random source.' },
];

export default defineConfig(
  globalIgnores(['dist/', 'out/', '.cache/', 'coverage/', 'samples/', '**/*.generated.ts']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
    },
  },
  {
    files: [
      'emulator/**/*.ts',
      'debug-adapter/**/*.ts',
      'language-server/**/*.ts',
      'extension/**/*.ts',
    ],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['emulator/**/*.ts', 'debug-adapter/**/*.ts'],
    ignores: ['debug-adapter/hosts/**'],
    rules: {
      'no-restricted-globals': ['error', ...hostGlobals],
      'no-restricted-properties': ['error', ...clockAndChance],
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: { console: 'readonly', process: 'readonly', globalThis: 'readonly' },
    },
  },
);

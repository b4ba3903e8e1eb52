import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

/** Layers: api < features' model < features' views < plugins < index. Features never meet. */
function forbid(files, patterns, ignores = []) {
  const group = patterns.map(([regex, message]) => ({ regex, message }));
  return { files, ignores, rules: { 'no-restricted-imports': ['error', { patterns: group }] } };
}

const NO_PLUGINS = ['/plugins/', 'plugins are the outermost layer'];
const NO_FEATURES = ['/features/', 'features are above this layer'];
const NO_UI = ['/ui/', 'what is shown is above this layer'];
const NO_OTHER_FEATURE = [
  '^\\.\\./(audit|datasets|featureviews|jobs|models|runs|schedules|sweeps|usage)/',
  'features never import each other'
];
const NO_FETCH = [
  '/api/(client|registryClient|connection|request|changes)$',
  'views never fetch: ask the model'
];

export default tseslint.config(
  { ignores: ['lib/', 'node_modules/', '.yarn/', 'src/api/types.ts'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}'],
    plugins: { 'react-hooks': hooks },
    rules: {
      ...hooks.configs.recommended.rules,
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      curly: ['error', 'all'],
      eqeqeq: 'error',
      'prefer-arrow-callback': 'error'
    }
  },
  forbid(['src/api/*.ts'], [NO_PLUGINS, NO_FEATURES, NO_UI]),
  forbid(['src/ui/*.{ts,tsx}'], [NO_PLUGINS, NO_FEATURES]),
  forbid(
    ['src/features/*/model.ts', 'src/features/*/*Model.ts'],
    [NO_PLUGINS, NO_OTHER_FEATURE, NO_UI]
  ),
  forbid(['src/features/*/*.tsx'], [NO_PLUGINS, NO_OTHER_FEATURE, NO_FETCH])
);

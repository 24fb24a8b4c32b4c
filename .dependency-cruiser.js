/**
 * The order of the house (docs: "A folder imports only from folders above it in this list"). The list below
 * is the rule: an entry may import itself and what stands above it, nothing below.
 */
const house = [
  'errors.ts',
  'util/',
  'protocol/',
  'listing/',
  'transport/',
  'tls/',
  'connection/',
  'session/',
  'pool/',
  'operations/',
  'local/',
  'transfer/',
  'segmented/',
  'observe/',
  'mirror/',
  'options.ts',
  'client.ts',
  'shared-clients.ts',
  'one-shots.ts',
  'mirror-jobs.ts',
  'proxy.ts',
  'mptcp.ts',
  'index.ts',
  'cli/',
]

const path = (entries) => `^src/(${entries.map((entry) => entry.replace('.', '\\.')).join('|')})`

const downward = house.slice(0, -1).map((entry, at) => ({
  name: `order-of-${entry.replace(/[/.].*/, '')}`,
  comment: `${entry} may import only what stands above it in the list`,
  severity: 'error',
  from: { path: path([entry]) },
  to: { path: path(house.slice(at + 1)) },
}))

/** Types of a built-in module are no dependency on what it does. */
const byValue = { dependencyTypesNot: ['type-only'] }

const packages = ['npm', 'npm-dev', 'npm-no-pkg', 'npm-unknown']

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...downward,
    {
      name: 'everything-has-its-place',
      comment: 'a file directly under src/, or a folder, that the list does not name',
      severity: 'error',
      from: { path: '^src/', pathNot: path(house) },
      to: {},
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'cli-imports-index-only',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: '^src/', pathNot: '^src/(cli/|index\\.ts$)' },
    },
    {
      name: 'pool-knows-no-ftp',
      severity: 'error',
      from: { path: '^src/pool/' },
      to: { path: '^src/', pathNot: '^src/(pool|util)/|^src/errors\\.ts$' },
    },
    {
      name: 'files-only-in-local',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(local|cli)/' },
      to: { path: '^(node:)?fs(/promises)?$', ...byValue },
    },
    {
      name: 'sockets-only-below-the-session',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(transport|tls|connection)/' },
      to: { path: '^(node:)?(net|tls)$', ...byValue },
    },
    {
      name: 'no-dependencies',
      comment:
        'the library has no runtime dependency; what it bundles, or loads where a program has it, is named here',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: {
        dependencyTypes: packages,
        pathNot: '(^|/)node_modules/picomatch/posix\\.js$|(^|/)node_modules/(socks|koffi)/',
      },
    },
    {
      name: 'bundled-with-the-cli',
      comment: 'what the command line bundles is named here, and its license in LICENSE',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: {
        dependencyTypes: packages,
        pathNot: '(^|/)node_modules/(commander|log-update|read|string-width)/',
      },
    },
    {
      name: 'src-stands-alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|examples|dist)/' },
    },
    {
      name: 'nothing-unresolved',
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
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
}

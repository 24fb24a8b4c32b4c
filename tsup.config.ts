import { defineConfig, type Options } from 'tsup'

const shared: Options = {
  format: 'esm',
  target: 'node20',
  platform: 'node',
  silent: true,
  // `import 'net'` could be taken for a package of that name.
  removeNodeProtocol: false,
}

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

/** The command line uses the library as it is published, and holds no copy of it. */
const besideTheLibrary: Plugin = {
  name: 'beside-the-library',
  setup: (build) => {
    build.onResolve({ filter: /^(\.\.\/)+index\.ts$/ }, () => ({ path: './index.js', external: true }))
  },
}

export const library: Options = {
  ...shared,
  entry: ['src/index.ts', 'src/proxy.ts', 'src/mptcp.ts'],
  dts: true,
  sourcemap: true,
  clean: ['!cli*'],
}

export const commandLine: Options = {
  ...shared,
  entry: { cli: 'src/cli/main.ts' },
  clean: ['!index*', '!proxy*', '!mptcp*', '!ftp-proxy*', '!chunk*'],
  // Bundled, though they are packages: whoever installs this one installs no other.
  noExternal: [/.*/],
  esbuildPlugins: [besideTheLibrary],
  esbuildOptions: (options) => {
    options.chunkNames = 'cli-[name]-[hash]'
  },
  // Commander is CommonJS, and requires modules of Node.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
}

export default defineConfig([library, commandLine])

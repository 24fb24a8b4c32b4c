import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/proxy.ts'],
  format: 'esm',
  target: 'node20',
  platform: 'node',
  dts: true,
  sourcemap: true,
  clean: true,
  silent: true,
  // `import 'net'` could be taken for a package of that name.
  removeNodeProtocol: false,
})

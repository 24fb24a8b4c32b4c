/**
 * Modules of Node that only some calls need. Loaded with the rest they would make every start 16 ms longer (Node 20,
 * which is 50 ms in all), so they are loaded at their first use.
 */
type Late = 'node:tls' | 'node:worker_threads' | 'node:zlib'

/** Loads a module of Node, at its first call. */
export function lateModule<Name extends Late>(name: Name): ReturnType<typeof process.getBuiltinModule<Name>> {
  return process.getBuiltinModule(name)
}

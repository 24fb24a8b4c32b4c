/** Before all tests: provides the real servers, and says which ones this machine cannot have. */
import { missingServers, provision } from './provision.mjs'

export default async function setup(): Promise<void> {
  const missing = missingServers(await provision())
  for (const line of missing) console.warn(`real server left out: ${line}`)
  if (missing.length > 0 && process.env['OCTOFTP_REQUIRE_SERVERS'] === '1') {
    throw new Error(`OCTOFTP_REQUIRE_SERVERS=1, but missing: ${missing.join('; ')}`)
  }
}

/** Starts one server by hand: see README.md. */
import { register } from 'tsx/esm/api'

register()
await import('./start.ts')

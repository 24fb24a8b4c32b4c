/** Paths as text, and as the system takes them: by their bytes, where these are not UTF-8. */
import { encodeText } from '../protocol/text.ts'

/** What node:fs takes for `path`, in which bytes that are no text are as `decodeName` keeps them. */
export function systemPath(path: string): string | Buffer {
  return isText(path) ? path : Buffer.from(encodeText(path))
}

/** Whether a string can give the path to the system. */
export function isText(path: string): boolean {
  return !LONE_SURROGATE.test(path)
}

const LONE_SURROGATE = /\p{Surrogate}/u

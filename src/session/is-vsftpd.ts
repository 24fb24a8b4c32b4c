/** What is known of vsftpd alone, and cannot be asked for, depends on its greeting. */
import type { Session } from './session.ts'

export function isVsftpd({ welcome }: Session): boolean {
  return welcome.some((line) => /\bvsFTPd\b/i.test(line))
}

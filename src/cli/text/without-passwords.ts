/** A URL that was mistyped may stand in a message as it was typed. Pure. */
const PASSWORD_IN_URL = /(:\/\/[^\s/@:]*):[^\s@]*@/g

/** The text with `****` in place of what stands between user and host in its URLs. */
export function withoutPasswords(text: string): string {
  return text.replaceAll(PASSWORD_IN_URL, '$1:****@')
}

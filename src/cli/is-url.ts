/** Whether a text has a scheme; a drive letter is none. */
export function isUrl(text: string): boolean {
  return /^\s*[a-z][a-z\d+.-]+:\/\//i.test(text)
}

/** What the program ends with; docs/command-line.md says when. */
export const EXIT = {
  fine: 0,
  connect: 1,
  login: 2,
  notFound: 3,
  syntax: 4,
  notImplemented: 5,
  notAllowed: 6,
  other: 7,
} as const

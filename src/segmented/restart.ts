/**
 * Signs that the server does not begin where REST tells it to, though it says 350: the counts may be right and
 * the file wrong. What was fetched by several connections is given up then, and one begins at 0.
 */
export class RestartDistrusted extends Error {
  static {
    this.prototype.name = 'RestartDistrusted'
  }
}

/** The bytes that an earlier run had left are not those that the server sends now: nothing of them is kept. */
export class ResumeDistrusted extends Error {
  static {
    this.prototype.name = 'ResumeDistrusted'
  }

  constructor(offset: number) {
    super(`the bytes before ${offset} are not those that an earlier run had left`)
  }
}

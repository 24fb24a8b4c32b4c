/**
 * Signs that the server does not begin where REST tells it to, though it says 350: the counts may be right and
 * the file wrong. What was fetched by several connections is given up then, and one begins at 0.
 */
export class RestartDistrusted extends Error {
  static {
    this.prototype.name = 'RestartDistrusted'
  }
}

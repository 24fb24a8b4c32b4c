/** Failures that are the command line's own. */

/** A request that makes no sense: an option, a URL, a name. The message says what to do instead. */
export class UsageError extends Error {
  static {
    this.prototype.name = 'UsageError'
  }
}

/** Ended from without: by a signal of the system, such as that of Ctrl-C, or because nobody takes its output. */
export class Interrupted extends Error {
  static {
    this.prototype.name = 'Interrupted'
  }
  /** Of a signal, as shells count it: 128 and its number. */
  readonly exitCode: number

  /** @param message empty where there is nothing to tell */
  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Something that the server has no command for. */
export class Unsupported extends Error {
  static {
    this.prototype.name = 'Unsupported'
  }
}

/** Something on this machine that is neither the server's affair nor that of the request. */
export class LocalFailure extends Error {
  static {
    this.prototype.name = 'LocalFailure'
  }
}

/**
 * Calls what checks its arguments before it does anything: its `TypeError` or `RangeError` is about the request.
 */
export function checked<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(error.message)
    throw error
  }
}

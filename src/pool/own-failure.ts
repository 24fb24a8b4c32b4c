/**
 * What the `open` of a pool throws where the opening was not refused, but failed by what its own caller does or gave:
 * the next one would fail as well, and it says nothing of how many there may be.
 */
export class OwnFailure extends Error {
  /** What those who wait are told. */
  readonly reason: unknown

  constructor(reason: unknown) {
    super('An opening failed of itself', { cause: reason })
    this.reason = reason
  }
}

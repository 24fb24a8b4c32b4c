/** A time as far as a server told it. */
export type ModifiedPrecision = 'millisecond' | 'second' | 'minute' | 'day'

export interface ModifiedTime {
  readonly time: Date
  /** How finely it was told. */
  readonly precision: ModifiedPrecision
}

/**
 * Where the bytes of a data connection go. The connection reads straight into the room that the receiver
 * offers, so that no byte is copied on its way from the socket to the file.
 */
export interface DataReceiver {
  /** Room for the next bytes: at least one byte, and not used for anything else until `received` is called. */
  space(): Uint8Array
  /**
   * `bytes` arrived at the start of the last `space()`. `'pause'`: the receiver is busy and calls the function
   * given to `onResume` when it can go on. `'stop'`: it has what it wants; the connection is cut.
   */
  received(bytes: number): 'more' | 'pause' | 'stop'
  /** Told once, before any byte, how to say after `'pause'` that it can go on, or that it has what it wants. */
  onResume(resume: (verdict?: 'stop') => void): void
  /** Resolves when what it still holds back is used: an end of the connection is not told before. */
  drained?(): Promise<void>
}

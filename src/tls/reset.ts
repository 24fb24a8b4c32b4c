/**
 * Resetting the TCP connection under a TLS socket that made it itself.
 *
 * `resetAndDestroy()` refuses such a socket (`ERR_INVALID_HANDLE_TYPE`), and `destroy()` closes it in an order
 * that makes ProFTPD drop the control connection in a third of all cases. The TCP handle below has the reset,
 * but no public name; so its presence is tested once, and where it is missing the caller makes the TCP
 * connection itself, which is slower to read and can be reset by public means.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { lateModule } from '../util/late-modules.ts'

interface ResettableHandle {
  reset(done: () => void): number
  close(done: () => void): void
}

function handleBelow(socket: Socket): ResettableHandle | undefined {
  const handle = (socket as { _handle?: { _parent?: Partial<ResettableHandle> } })._handle?._parent
  const isResettable = typeof handle?.reset === 'function' && typeof handle.close === 'function'
  return isResettable ? (handle as ResettableHandle) : undefined
}

let supported: boolean | undefined

/** Whether this runtime has what {@link resetUnderTls} needs. */
export function canResetUnderTls(): boolean {
  supported ??= tryOut()
  return supported
}

/** Without a socket to wrap, `TLSSocket` makes its own handle, as `tls.connect({ host })` does. */
function tryOut(): boolean {
  const { TLSSocket } = lateModule('node:tls')
  const socket = new TLSSocket(undefined as unknown as Socket)
  const found = handleBelow(socket) !== undefined
  socket.destroy()
  return found
}

/**
 * Resets the connection. Nothing is delivered afterwards but `'close'`.
 *
 * The reset takes the place of the close on this one handle: done beside it, the close would find the handle
 * closing already and never report back, so that `'close'` would not come and the TLS state not be freed
 * (Node 20.19 to 26.10). A handle that is not connected yet has nothing to reset, and breaks in the same way; so does
 * one whose end of file is on its way: the reset is refused, and the close behind it does nothing.
 */
export function resetUnderTls(socket: TLSSocket): void {
  const handle = handleBelow(socket)
  const isEnding = socket.writableEnded && !socket.writableFinished
  if (handle !== undefined && !socket.connecting && !isEnding) {
    const close = handle.close.bind(handle)
    handle.close = (done) => {
      if (handle.reset(done) !== 0) close(done)
    }
  }
  socket.destroy()
}

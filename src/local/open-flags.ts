/** How local files are opened to be read. */
import { constants } from 'node:fs'

/** Without waiting: a named pipe without a writer would keep it for ever. Windows has neither such pipes nor the flag. */
export const READ_WITHOUT_WAITING: number =
  constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0)

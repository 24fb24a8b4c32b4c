/** Every cap on what a server may make us hold or show, with its reason. Beyond one is an error, never a cut. */

/**
 * Bytes of one line of a reply. A 257 carries a path, and PATH_MAX is 4096 on Linux; quotes may double it.
 * A peer that sends no line end at all costs this much memory and no more.
 */
export const MAX_REPLY_LINE_BYTES: number = 16 * 1024

/**
 * Bytes of one whole reply. Peers stop at 64 KiB, which is ample for a FEAT or a site's banner; but `STAT folder`
 * answers with a listing on the control connection, and a raw command may ask for one.
 */
export const MAX_REPLY_BYTES: number = 256 * 1024

/** Lines of one reply: empty ones weigh nothing in bytes and yet cost an entry each. */
export const MAX_REPLY_LINES: number = 4096

/**
 * Entries of a listing that is kept whole, in about a gigabyte at worst. What is listed as it comes (`list`,
 * `walk`) takes no more memory however long it is.
 */
export const MAX_LISTED = 2_000_000

/** Characters of a listing that is kept whole: of names that are as long as a line may be, few are many. */
export const MAX_LISTED_TEXT: number = 256 * 1024 * 1024

/** Characters of a reply that go into an error message: enough for the three lines a person will read. */
export const MAX_REPLY_TEXT: number = 1000

/** Characters of unreadable input kept in `FtpProtocolError.received`: enough to recognise the other protocol. */
export const MAX_RECEIVED_TEXT: number = 200

/** Characters of a command in errors and logs: a long path fits, a file sent as an argument does not. */
export const MAX_COMMAND_TEXT: number = 500

/**
 * The lowest port a data connection goes to. Passive ports are ephemeral; one below 1024 points at a service
 * (SMTP, HTTP) that a hostile server would like us to talk to.
 */
export const LOWEST_DATA_PORT = 1024

/** Secrets shorter than this are removed only where they stand alone: see `redact`. */
export const SHORTEST_PLAIN_SECRET = 3

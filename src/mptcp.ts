/**
 * octoftp/mptcp: control and data connections over Multipath TCP, for option `connect`.
 *
 * @module octoftp/mptcp
 */
export { mptcp, Multipath, type MptcpConnection, type MptcpOptions } from './transport/mptcp/multipath.ts'

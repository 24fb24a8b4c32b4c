/**
 * octoftp/mptcp: control and data connections over Multipath TCP, for option `connect`.
 *
 * @module
 */
export { mptcp, type MptcpConnection, type MptcpOptions } from './transport/mptcp/mptcp.ts'
export type { Connect, ConnectTarget } from './transport/connect.ts'

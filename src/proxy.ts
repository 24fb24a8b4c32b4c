/**
 * octoftp/proxy: control and data connections by way of a proxy, for option `connect`.
 *
 * @module octoftp/proxy
 */
export { ftpProxy, FtpProxy, type FtpProxyLogin, type FtpProxyOptions } from './transport/proxy/ftp-proxy.ts'
export { httpProxy, type HttpProxyOptions } from './transport/proxy/http-proxy.ts'
export { socksProxy } from './transport/proxy/socks-proxy.ts'
export type { Connect, ConnectTarget } from './transport/connect.ts'

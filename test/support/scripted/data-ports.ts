import { parsePortCommand } from './active-address.ts'
import { closedPort, filteredPort } from './dead-port.ts'
import type { OpenSockets } from './open-sockets.ts'
import { ScriptedData } from './script-data.ts'
import type { ServerTls } from './server-tls.ts'

export interface DataOptions {
  /** TLS on this connection. Default: what the last PROT command said. */
  tls?: boolean
  /** `open` listens; `closed` refuses at once; `filtered` never answers. Default `open`. */
  port?: 'open' | 'closed' | 'filtered'
}

/** A data connection in active mode: the server's to open, when it likes. */
export interface ActiveData {
  data: ScriptedData
  connect: () => Promise<void>
}

/** The data connections of one control connection: in clear or not, on live ports or dead ones. */
export class DataPorts {
  /** Whether PROT P holds. */
  protected = false

  readonly #sockets: OpenSockets
  readonly #host: string
  readonly #tls: ServerTls

  constructor(sockets: OpenSockets, host: string, tls: ServerTls) {
    this.#sockets = sockets
    this.#host = host
    this.#tls = tls
  }

  async passive(options: DataOptions): Promise<ScriptedData> {
    const data = this.#newData(options)
    await this.#open(data, options.port ?? 'open')
    return data
  }

  /** To where a PORT or EPRT command points. */
  active(command: string, options: DataOptions): ActiveData {
    const { host, port } = parsePortCommand(command)
    const data = this.#newData(options)
    return { data, connect: () => data.connectTo(port, host) }
  }

  #newData(options: DataOptions): ScriptedData {
    const tls = (options.tls ?? this.protected) ? this.#tls : undefined
    return new ScriptedData({ sockets: this.#sockets, host: this.#host, tls })
  }

  async #open(data: ScriptedData, kind: 'open' | 'closed' | 'filtered'): Promise<void> {
    switch (kind) {
      case 'open':
        return data.listen()
      case 'closed':
        data.port = await closedPort(this.#host)
        return
      case 'filtered': {
        const { port, release } = await filteredPort(this.#host)
        data.port = port
        this.#sockets.holdOther(release)
        return
      }
      default:
        return kind satisfies never
    }
  }
}

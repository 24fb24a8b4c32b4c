/** One control connection of the shaped server: the verbs that a download needs, and any user may log in. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join, posix } from 'node:path'

/** So much may wait in a socket that its client does not empty: a client at work never sees the limit. */
const MOST_WAITING = 256 * 1024
const ACCEPT_TIMEOUT_MS = 10_000

/** A file on its way, as fast as `send` is called. */
export interface Retrieval {
  readonly file: string
  readonly wantsBytes: boolean
  /** Sends up to `bytes`. @returns which bytes of the file went */
  send(bytes: number): { readonly start: number; readonly end: number }
}

export interface SessionListeners {
  readonly onLogin: () => void
  readonly onRetrieval: () => void
}

const FEATURES = ['211-Features:', ' EPSV', ' MDTM', ' REST STREAM', ' SIZE', ' UTF8', '211 End'].join('\r\n')

export class ShapedSession {
  readonly #control: Socket
  readonly #root: string
  readonly #listeners: SessionListeners
  readonly #commands: string[] = []
  #text = ''
  #restart = 0
  #passive: PassivePort | undefined
  #running: RunningRetrieval | undefined
  #busy = false

  constructor(control: Socket, root: string, listeners: SessionListeners) {
    this.#control = control
    this.#root = root
    this.#listeners = listeners
    control.setNoDelay(true)
    control.setEncoding('latin1').on('data', (text: string) => this.#receive(text))
    control.once('close', () => this.#close())
    this.#reply('220 Ready')
  }

  get retrieval(): Retrieval | undefined {
    return this.#running
  }

  #reply(text: string): void {
    if (this.#control.writable) this.#control.write(`${text}\r\n`)
  }

  #receive(text: string): void {
    const lines = (this.#text + text).split(/\r?\n/)
    this.#text = lines.pop() ?? ''
    // Telnet's IP and Synch before an ABOR (RFC 959 §4.1.3) are no part of the verb.
    this.#commands.push(...lines.map((line) => line.replace(/^[^a-zA-Z]+/, '')))
    if (this.#running !== undefined && this.#commands.some((line) => /^ABOR\b/i.test(line)))
      this.#running.cut()
    void this.#work()
  }

  // One command at a time, as real servers have it: the next is read when a transfer has ended.
  async #work(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    for (let line = this.#commands.shift(); line !== undefined; line = this.#commands.shift()) {
      const [, verb = '', argument = ''] = /^(\S*) ?(.*)$/s.exec(line) ?? []
      await this.#obey(verb.toUpperCase(), argument)
    }
    this.#busy = false
  }

  #obey(verb: string, argument: string): void | Promise<void> {
    switch (verb) {
      case 'USER':
        return this.#reply('331 Password required')
      case 'PASS':
        this.#listeners.onLogin()
        return this.#reply('230 Login successful')
      case 'SYST':
        return this.#reply('215 UNIX Type: L8')
      case 'FEAT':
        return this.#reply(FEATURES)
      case 'PWD':
        return this.#reply('257 "/" is the directory')
      case 'CWD':
        return this.#reply('250 Directory changed')
      case 'TYPE':
      case 'OPTS':
      case 'NOOP':
        return this.#reply('200 OK')
      case 'ABOR':
        return this.#reply('225 No transfer to abort')
      case 'SIZE':
      case 'MDTM':
        return this.#tellOf(argument, verb)
      case 'REST':
        this.#restart = Number(argument)
        return this.#reply(`350 Restarting at ${argument}`)
      case 'PASV':
      case 'EPSV':
        return this.#prepare(verb)
      case 'RETR':
        return this.#retrieve(argument)
      case 'QUIT':
        this.#reply('221 Goodbye')
        return void this.#control.end()
      default:
        return this.#reply(`502 ${verb} not implemented`)
    }
  }

  #path(argument: string): string {
    return join(this.#root, posix.normalize(posix.join('/', argument)))
  }

  #tellOf(argument: string, verb: 'SIZE' | 'MDTM'): void {
    const found = statSync(this.#path(argument), { throwIfNoEntry: false })
    if (found?.isFile() !== true) return this.#reply('550 No such file')
    const modified = found.mtime.toISOString().slice(0, 19).replace(/\D/g, '')
    this.#reply(`213 ${verb === 'SIZE' ? found.size : modified}`)
  }

  async #prepare(verb: 'PASV' | 'EPSV'): Promise<void> {
    this.#passive?.close()
    this.#passive = await PassivePort.open()
    const { port } = this.#passive
    if (verb === 'EPSV') this.#reply(`229 Entering Extended Passive Mode (|||${port}|)`)
    else this.#reply(`227 Entering Passive Mode (127,0,0,1,${port >> 8},${port & 255})`)
  }

  async #retrieve(argument: string): Promise<void> {
    const [passive, restart, path] = [this.#passive, this.#restart, this.#path(argument)]
    this.#passive = undefined
    this.#restart = 0
    if (passive === undefined) return this.#reply('425 Use PASV first')
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) {
      passive.close()
      return this.#reply('550 No such file')
    }
    this.#reply('150 Opening BINARY mode data connection')
    const data = await passive.connection()
    if (data === undefined) return this.#reply('425 Cannot open data connection')
    this.#listeners.onRetrieval()
    this.#running = new RunningRetrieval(data, path, restart)
    if (this.#control.destroyed) this.#running.cut()
    const outcome = await this.#running.over
    this.#running = undefined
    this.#reply(outcome === 'complete' ? '226 Transfer complete' : '426 Connection closed; transfer aborted')
  }

  #close(): void {
    this.#passive?.close()
    this.#running?.cut()
  }
}

/** A port that takes one data connection. */
class PassivePort {
  readonly port: number
  readonly #server: Server
  readonly #arrived: Promise<Socket | undefined>

  constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
    this.#arrived = new Promise((resolve) => {
      server.once('connection', (socket: Socket) => {
        server.close()
        // A client may cut before RETR is read: that is told when something is sent.
        socket.on('error', () => {})
        resolve(socket)
      })
      server.once('close', () => resolve(undefined))
    })
  }

  static open(): Promise<PassivePort> {
    const server = createServer()
    return new Promise((resolve, reject) => {
      server.once('error', reject).listen(0, '127.0.0.1', () => {
        const address = server.address()
        resolve(new PassivePort(server, typeof address === 'object' && address !== null ? address.port : 0))
      })
    })
  }

  /** Undefined if nobody comes. */
  async connection(): Promise<Socket | undefined> {
    const timer = setTimeout(() => this.#server.close(), ACCEPT_TIMEOUT_MS)
    const socket = await this.#arrived
    clearTimeout(timer)
    return socket
  }

  close(): void {
    this.#server.close()
    void this.#arrived.then((socket) => socket?.destroy())
  }
}

class RunningRetrieval implements Retrieval {
  readonly file: string
  readonly over: Promise<'complete' | 'cut'>
  readonly #data: Socket
  readonly #descriptor: number
  readonly #end: number
  #position: number
  #settle!: (outcome: 'complete' | 'cut') => void

  constructor(data: Socket, file: string, start: number) {
    this.file = file
    this.#data = data
    this.#descriptor = openSync(file, 'r')
    this.#end = fstatSync(this.#descriptor).size
    this.#position = start
    this.over = new Promise((resolve) => (this.#settle = resolve))
    void this.over.then(() => closeSync(this.#descriptor))
    data.setNoDelay(true)
    data.once('end', () => this.cut())
    data.once('close', () => this.#settle('cut'))
    data.once('finish', () => this.#settle(this.#position >= this.#end ? 'complete' : 'cut'))
    data.resume()
    if (data.destroyed) this.#settle('cut')
    else if (start >= this.#end) data.end()
  }

  get wantsBytes(): boolean {
    const { writable, writableLength } = this.#data
    return writable && writableLength < MOST_WAITING && this.#position < this.#end
  }

  send(bytes: number): { start: number; end: number } {
    const start = this.#position
    const chunk = Buffer.allocUnsafe(Math.min(bytes, this.#end - start))
    const length = readSync(this.#descriptor, chunk, 0, chunk.length, start)
    this.#position += length
    this.#data.write(chunk.subarray(0, length))
    if (this.#position >= this.#end) this.#data.end()
    return { start, end: this.#position }
  }

  /** The client has what it wanted, or has gone. */
  cut(): void {
    this.#settle(this.#data.writableFinished && this.#position >= this.#end ? 'complete' : 'cut')
    this.#data.destroy()
  }
}

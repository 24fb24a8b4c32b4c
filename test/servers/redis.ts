/** Real Redis servers on loopback, which write their append-only file and can be killed and started again. */
import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { installedFile, libraryPath } from './installation.ts'
import { freePort } from './start-server.ts'

const HOST = '127.0.0.1'

export class RedisServer implements AsyncDisposable {
  readonly url: string
  readonly #port: number
  readonly #folder: string
  #process: ChildProcess | undefined

  private constructor(port: number, folder: string) {
    this.#port = port
    this.#folder = folder
    this.url = `redis://${HOST}:${port}`
  }

  /** @param folder that its data is written to */
  static async start(folder: string): Promise<RedisServer> {
    mkdirSync(folder, { recursive: true })
    const server = new RedisServer(await freePort(HOST), folder)
    await server.start()
    return server
  }

  /** On its port again, with the data of before. Resolves when it answers. */
  async start(): Promise<void> {
    const settings = [
      ['bind', HOST],
      ['port', `${this.#port}`],
      ['dir', this.#folder],
      ['appendonly', 'yes'],
      ['appendfsync', 'everysec'],
      ['save', ''],
      ['logfile', join(this.#folder, 'log')],
    ]
    const parameters = settings.flatMap(([name, value]) => [`--${name}`, value ?? ''])
    const child = spawn(installedFile('redis-server', 'redis-server'), parameters, {
      stdio: 'ignore',
      env: { ...process.env, LD_LIBRARY_PATH: libraryPath() },
    })
    this.#process = child
    await once(child, 'spawn')
    while (!(await answers(this.#port))) {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`)
    }
  }

  /** As a crash of the machine would, but for what is in the system's cache. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child?.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }
}

/** Whether it is there, and has read its data. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, HOST)
  try {
    await once(socket, 'connect')
    socket.write('PING\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    return answer.toString().startsWith('+PONG')
  } catch {
    return false
  } finally {
    socket.destroy()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

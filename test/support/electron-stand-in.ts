/**
 * As much of Electron as docs/recipes.md uses, in Node: the main process, the preload script and the page are one
 * process, the utility process is a child. The page is a script beside the preload script. SIGTERM quits.
 */
import { fork } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { pathToFileURL } from 'node:url'

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- As Electron's own declarations have it.
  namespace NodeJS {
    interface Process {
      parentPort: {
        on(event: 'message', listener: (message: { readonly data: never }) => void): void
        postMessage(message: unknown): void
      }
    }
  }
}

const PATHS = { downloads: process.cwd() }

interface QuitEvents {
  readonly 'before-quit': [{ preventDefault(): void }]
}

class App extends EventEmitter<QuitEvents> {
  whenReady(): Promise<void> {
    process.once('SIGTERM', () => this.quit())
    return new Promise((resolve) => setImmediate(resolve))
  }

  getPath(name: keyof typeof PATHS): string {
    return PATHS[name]
  }

  quit(): void {
    const event = new Event('before-quit', { cancelable: true })
    this.emit('before-quit', event)
    if (!event.defaultPrevented) process.exit(0)
  }
}

export const app = new App()

type Handler = (event: object, ...parameters: never[]) => unknown

const handlers = new Map<string, Handler>()
const toPage = new EventEmitter()

export const ipcMain = {
  handle: (channel: string, handler: Handler): void => void handlers.set(channel, handler),
}

export const ipcRenderer = {
  invoke: async (channel: string, ...parameters: unknown[]): Promise<unknown> =>
    structuredClone(await handlers.get(channel)?.({}, ...(structuredClone(parameters) as never[]))),
  on: (channel: string, listener: (event: object, message: never) => void): void =>
    void toPage.on(channel, (...[message]: unknown[]) => listener({}, message as never)),
}

export const contextBridge = {
  exposeInMainWorld: (name: string, api: object): void => void Object.assign(globalThis, { [name]: api }),
}

export class BrowserWindow {
  readonly webContents = {
    send: (channel: string, message: unknown): void => void toPage.emit(channel, structuredClone(message)),
  }
  readonly #preload: string

  constructor({ webPreferences: { preload } }: { readonly webPreferences: { readonly preload: string } }) {
    this.#preload = preload
  }

  isDestroyed(): boolean {
    return false
  }

  async loadFile(page: string): Promise<void> {
    const preload = pathToFileURL(this.#preload)
    await import(preload.href)
    await import(new URL(page.replace(/html$/, 'js'), preload).href)
  }
}

interface UtilityProcessEvents {
  readonly message: [never]
  readonly exit: [number]
}

const PARENT_PORT = `data:text/javascript,process.on('disconnect', () => process.exit());
process.parentPort = {
  on: (event, listener) => process.on(event, (data) => listener({ data })),
  postMessage: (message) => process.send(message),
}`

class UtilityProcess extends EventEmitter<UtilityProcessEvents> {
  readonly #child

  constructor(path: string) {
    super()
    this.#child = fork(path, { execArgv: ['--import', PARENT_PORT], serialization: 'advanced' })
    this.#child.on('message', (message) => this.emit('message', message as never))
    this.#child.on('exit', (code) => this.emit('exit', code ?? 1))
  }

  postMessage(message: object | string): void {
    this.#child.send(message)
  }
}

export const utilityProcess = { fork: (path: string): UtilityProcess => new UtilityProcess(path) }

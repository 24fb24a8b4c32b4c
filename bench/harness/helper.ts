/** A process of our own beside the clients, such as a server that shapes: called by messages, gone with us. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What a helper can be asked, by name. Arguments and results go through JSON. */
export type Calls<Self> = {
  [Name in keyof Self]: Self[Name] extends (argument: infer Argument) => unknown
    ? (argument: Argument) => unknown
    : never
}

export interface Call {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

export type Answer = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string })

export interface Helper<Self extends Calls<Self>> extends AsyncDisposable {
  readonly pid: number
  /** Rejects when the helper fails at it, or has ended. */
  call<Name extends keyof Self & string>(
    name: Name,
    argument: Parameters<Self[Name]>[0],
  ): Promise<Awaited<ReturnType<Self[Name]>>>
  /** Ends it by SIGKILL; it owns nothing that outlives it. */
  stop(): Promise<void>
}

/** Starts `program`, a file that calls `answerCalls`. The helper also ends when this process does, however it does. */
export async function startHelper<Self extends Calls<Self>>(program: URL): Promise<Helper<Self>> {
  // A group of its own: Ctrl-C is for us, and we end it.
  const child = fork(fileURLToPath(program), [], {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const gone = once(child, 'exit')
  const calls = new PendingCalls(child)
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
  }
  return {
    pid: child.pid ?? 0,
    call: (name, argument) => calls.make(name, argument) as never,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** The call that makes a helper useful: if it fails the helper goes. */
export async function firstCall<Result>(helper: AsyncDisposable, call: Promise<Result>): Promise<Result> {
  try {
    return await call
  } catch (error) {
    await helper[Symbol.asyncDispose]()
    throw error
  }
}

class PendingCalls {
  readonly #child: ChildProcess
  readonly #waiting = new Map<
    number,
    { resolve: (result: unknown) => void; reject: (error: Error) => void }
  >()
  #last = 0

  constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (answer: Answer) => this.#settle(answer))
    child.once('exit', () => this.#end())
  }

  make(name: string, argument: unknown): Promise<unknown> {
    if (!this.#child.connected) return Promise.reject(new Error('the helper process has ended'))
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, name, argument } satisfies Call)
    })
  }

  #settle(answer: Answer): void {
    const call = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if ('error' in answer) call?.reject(new Error(answer.error))
    else call?.resolve(answer.result)
  }

  #end(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error('the helper process has ended'))
    this.#waiting.clear()
  }
}

/** In the helper: answers calls until the channel to the process that started it is gone, and then ends. */
export function answerCalls<Self extends Calls<Self>>(handlers: Self): void {
  process.once('disconnect', () => process.exit())
  process.on('message', (call: Call) => void answer(handlers, call))
}

async function answer<Self extends Calls<Self>>(handlers: Self, { id, name, argument }: Call): Promise<void> {
  try {
    const handler = handlers[name as keyof Self] as (argument: unknown) => unknown
    tell({ id, result: await handler(argument) })
  } catch (error) {
    tell({ id, error: String(error) })
  }
}

function tell(answer: Answer): void {
  if (process.connected) process.send?.(answer)
}

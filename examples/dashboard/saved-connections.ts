/** Connections under the names that people gave them. A password is among them only where somebody asked for that. */
import { fieldsOf, login, optionalText, text } from './fields.ts'
import { Refusal } from './failures.ts'
import { readJson, writeJson } from './json-file.ts'
import { sameLogin } from './logins.ts'
import type { Login, SavedConnection } from './model.ts'

interface Stored extends Login {
  readonly name: string
  readonly password?: string
}

export class SavedConnections {
  readonly #path: string
  #all: readonly Stored[]

  private constructor(path: string, all: readonly Stored[]) {
    this.#path = path
    this.#all = all
  }

  static async read(path: string): Promise<SavedConnections> {
    const value = (await readJson(path)) ?? []
    if (!Array.isArray(value)) throw new Error(`${path} holds no list of connections`)
    return new SavedConnections(path, value.map(stored))
  }

  /** By name, without passwords. */
  get views(): readonly SavedConnection[] {
    return this.#all.map(({ password, ...rest }) => ({ ...rest, hasPassword: password !== undefined }))
  }

  passwordOf(wanted: Login): string | undefined {
    return this.#all.find((one) => one.password !== undefined && sameLogin(one, wanted))?.password
  }

  async save(name: string, { host, port, user, security }: Login, password?: string): Promise<void> {
    if (name.trim() === '' || name.length > 100) throw new Refusal(400, 'The connection needs a name')
    const others = this.#all.filter((one) => one.name !== name)
    const one: Stored = { name, host, port, user, security, ...(password === undefined ? {} : { password }) }
    await this.#write([...others, one].sort((a, b) => a.name.localeCompare(b.name)))
  }

  async delete(name: string): Promise<void> {
    await this.#write(this.#all.filter((one) => one.name !== name))
  }

  async #write(all: readonly Stored[]): Promise<void> {
    await writeJson(this.#path, all)
    this.#all = all
  }
}

function stored(value: unknown): Stored {
  const fields = fieldsOf(value)
  const password = optionalText(fields, 'password')
  return { ...login(fields), name: text(fields, 'name'), ...(password === undefined ? {} : { password }) }
}

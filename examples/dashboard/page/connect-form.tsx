/** How a server is reached: typed, or loaded from what was saved. */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { Login, SavedConnection, Security, Visit } from '../model.ts'
import { addressOf, loginOf, PORTS, readAddress, type Typed } from './address.ts'
import { call, tell } from './api.ts'
import { open } from './directory.ts'
import { Icon } from './icons.tsx'
import { say } from './notices.ts'
import { saved } from './store.ts'

const NOTHING: Typed = { host: '', port: '21', user: '', security: 'explicit' }

export function ConnectForm(): JSX.Element {
  const typed = useSignal(NOTHING)
  const password = useSignal('')
  const isPasswordSaved = useSignal(false)
  const name = useSignal('')
  const isToBeSaved = useSignal(false)
  const isPasswordWanted = useSignal(false)
  const isBusy = useSignal(false)
  const failure = useSignal('')

  useEffect(takeFocus, [])

  const set = (part: Partial<Typed>): void => {
    typed.value = { ...typed.value, ...part }
    isPasswordSaved.value = false
  }
  const load = (one: SavedConnection): void => {
    typed.value = { host: one.host, port: String(one.port), user: one.user, security: one.security }
    name.value = one.name
    password.value = ''
    isPasswordSaved.value = one.hasPassword
    document.querySelector<HTMLElement>(one.hasPassword ? '#connect' : '#password')?.focus()
  }
  const submit = async (): Promise<void> => {
    isBusy.value = true
    failure.value = ''
    const login = loginOf(typed.value)
    try {
      const given = password.value === '' ? {} : { password: password.value }
      const visit = await call<Visit>('/api/connect', { ...login, ...given })
      if (isToBeSaved.value) await save(name.value, login, isPasswordWanted.value)
      await open(visit.path)
    } catch (error) {
      failure.value = (error as Error).message
    } finally {
      password.value = ''
      isBusy.value = false
    }
  }

  return (
    <div class="connect">
      <SavedList load={load} />
      <form
        aria-label="Connect to a server"
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <h2>Connect to a server</h2>
        <div class="fields">
          <label class="wide">
            Server, or an FTP address
            <input
              required
              id="host"
              autocomplete="off"
              spellcheck={false}
              placeholder="ftp.example.org"
              value={typed.value.host}
              onInput={({ currentTarget: { value } }) => set(readAddress(value) ?? { host: value })}
            />
          </label>
          <label>
            Encryption
            <select
              id="security"
              value={typed.value.security}
              onChange={({ currentTarget }) => {
                const security = currentTarget.value as Security
                set({ security, port: PORTS[security] })
              }}
            >
              <option value="explicit">TLS, explicit</option>
              <option value="implicit">TLS, implicit</option>
              <option value="none">None, readable on the way</option>
            </select>
          </label>
          <label>
            Port
            <input
              required
              id="port"
              inputMode="numeric"
              pattern="[0-9]{1,5}"
              value={typed.value.port}
              onInput={({ currentTarget: { value } }) => set({ port: value })}
            />
          </label>
          <label>
            User
            <input
              id="user"
              autocomplete="off"
              spellcheck={false}
              placeholder="anonymous"
              value={typed.value.user}
              onInput={({ currentTarget: { value } }) => set({ user: value })}
            />
          </label>
          <label>
            Password
            <input
              id="password"
              type="password"
              autocomplete="off"
              placeholder={isPasswordSaved.value ? 'saved' : ''}
              value={password.value}
              onInput={({ currentTarget: { value } }) => (password.value = value)}
            />
          </label>
        </div>
        <fieldset>
          <label class="tick">
            <input
              id="save"
              type="checkbox"
              checked={isToBeSaved.value}
              onChange={({ currentTarget: { checked } }) => {
                isToBeSaved.value = checked
                if (name.value === '') name.value = `${typed.value.user || 'anonymous'}@${typed.value.host}`
              }}
            />
            Save this connection
          </label>
          {isToBeSaved.value && (
            <>
              <label>
                As
                <input
                  required
                  id="save-name"
                  maxLength={100}
                  value={name.value}
                  onInput={({ currentTarget: { value } }) => (name.value = value)}
                />
              </label>
              <label class="tick">
                <input
                  id="save-password"
                  type="checkbox"
                  checked={isPasswordWanted.value}
                  onChange={({ currentTarget: { checked } }) => (isPasswordWanted.value = checked)}
                />
                With the password, readable in a file of yours
              </label>
            </>
          )}
        </fieldset>
        {failure.value !== '' && (
          <p class="failure" role="alert">
            {failure.value}
          </p>
        )}
        <button id="connect" class="primary" type="submit" disabled={isBusy.value}>
          {isBusy.value ? 'Connecting …' : 'Connect'}
        </button>
      </form>
    </div>
  )
}

function takeFocus(): void {
  if (document.activeElement === document.body) document.querySelector<HTMLElement>('#host')?.focus()
}

function SavedList({ load }: { readonly load: (one: SavedConnection) => void }): JSX.Element | null {
  if (saved.value.length === 0) return null
  return (
    <section aria-labelledby="saved-title" class="saved">
      <h2 id="saved-title">Saved connections</h2>
      <ul>
        {saved.value.map((one) => (
          <li key={one.name}>
            <button type="button" class="quiet load" onClick={() => load(one)}>
              <strong>{one.name}</strong>
              <span>{addressOf(one)}</span>
            </button>
            <button
              type="button"
              class="quiet icon-only"
              aria-label={`Delete ${one.name}`}
              title="Delete"
              onClick={() => tell('/api/connections/delete', { name: one.name })}
            >
              <Icon name="clear" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

async function save(name: string, login: Login, isPasswordWanted: boolean): Promise<void> {
  await call('/api/connections/save', { ...login, name, isPasswordWanted })
  say(`${name} is saved`)
}

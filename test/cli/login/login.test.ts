/** Where logins come from: .netrc, the environment, URLs. */
import { describe, expect, it } from 'vitest'
import { knownCredentials } from '../../../src/cli/login/credentials.ts'
import { netrcLogin } from '../../../src/cli/login/netrc.ts'
import { isRemote, nameIn, readPlace } from '../../../src/cli/place.ts'
import { parseFtpUrl } from '../../../src/index.ts'

describe('.netrc', () => {
  const text = `
# machine ftp.example.org login wrong password wrong
machine ftp.example.org login octo password "open \\"sesame\\""
machine FTP.example.org
  login other password #2\\ words account x
macdef init
machine macro.example.org login no password no

machine b.example.org password alone
default login anonymous password guest@`

  it.each([
    ['ftp.example.org', undefined, 'octo', 'open "sesame"'],
    ['ftp.example.org', 'octo', 'octo', 'open "sesame"'],
    ['ftp.example.org', 'other', 'other', '#2 words'],
    ['b.example.org', 'whoever', undefined, 'alone'],
    ['macro.example.org', undefined, 'anonymous', 'guest@'],
  ])('for %s and %s', (host, user, login, password) => {
    expect(netrcLogin(text, host, user)).toEqual({ user: login, password })
  })

  it('has nothing where it has nothing', () => {
    expect(netrcLogin('machine a login b password c', 'b', undefined)).toBeUndefined()
    expect(netrcLogin('', 'b', undefined)).toBeUndefined()
    expect(netrcLogin('machine', 'b', undefined)).toBeUndefined()
  })
})

describe('credentials', () => {
  const netrc = 'machine ftp.example.org login octo password netrc'
  const of = (href: string, given: { user?: string; own?: string; environment?: string } = {}): unknown =>
    knownCredentials(
      { url: parseFtpUrl(href), password: given.own },
      { user: given.user, environmentPassword: given.environment, netrc },
    )

  it('come from the nearest source', () => {
    expect(of('ftp://octo@ftp.example.org', { own: 'own', environment: 'env' })).toEqual({
      user: 'octo',
      password: 'own',
    })
    expect(of('ftp://octo@ftp.example.org', { environment: 'env' })).toMatchObject({ password: 'env' })
    expect(of('ftp://octo@ftp.example.org')).toMatchObject({ password: 'netrc' })
    expect(of('ftp://ftp.example.org')).toEqual({ user: 'octo', password: 'netrc' })
    expect(of('ftp://elsewhere.example.org', { environment: 'env' })).toEqual({})
  })

  it('of a URL are of its user alone', () => {
    expect(of('ftp://octo@elsewhere', { user: 'other', own: 'own' })).toEqual({ user: 'other' })
  })
})

describe('places', () => {
  it('are told from local paths', () => {
    expect(isRemote('ftp://host/x')).toBe(true)
    expect(isRemote('work:x')).toBe(true)
    expect(isRemote('./work:x')).toBe(false)
    expect(isRemote('C:\\x')).toBe(false)
    expect(isRemote('x')).toBe(false)
  })

  it('show no password, and warn of one', async () => {
    const warnings: string[] = []
    const place = await readPlace('ftp://octo:secret@ftp.example.org/pub/x', (text) => warnings.push(text))
    expect(place).toMatchObject({ password: 'secret', text: 'ftp://ftp.example.org/pub/x' })
    expect(JSON.stringify([place.href, warnings])).not.toContain('secret')
    expect(warnings).toHaveLength(1)
  })

  it.each(['octo:secret@ftp.example.org/x', 'ftp.example.org/a@b', ''])(
    'what is none is not shown: %s',
    async (text) => {
      await expect(readPlace(text, () => {})).rejects.toThrow(/^(?!.*secret)/)
    },
  )

  it.each([
    ['ftp://h/a/b%20c', 'b c'],
    ['ftp://h/a/', undefined],
    ['ftp://h', undefined],
    ['ftp://h/a/..', undefined],
    ['ftp://h/a%2F..', undefined],
  ])('%s gives a file the name %s', async (href, name) => {
    expect(nameIn(await readPlace(href, () => {}))).toBe(name)
  })
})

/** Who may ask the dashboard: nobody without the token, and no page but its own. */
import { describe, expect, test } from 'vitest'
import { ask, dashboardFolder } from './support/dashboard-client.ts'

describe('the token', () => {
  test('is asked for, everywhere', async () => {
    const { start } = await dashboardFolder()
    const { origin, running } = await start()
    for (const path of ['/', '/page.js', '/api/events', '/?token=', '/?token=wrong']) {
      expect((await ask(origin, { path })).status, path).toBe(401)
    }
    const call = { method: 'POST', path: '/api/settings', headers: { origin }, body: {} }
    expect((await ask(origin, call)).status).toBe(401)
    const headers = { origin, cookie: `octoftp-dashboard-${new URL(origin).port}=wrong` }
    expect((await ask(origin, { ...call, headers })).status).toBe(401)
    expect(new URL(running.url).searchParams.get('token')).toHaveLength(32)
  })

  test('does not stay in the address, and no script can read it', async () => {
    const { start } = await dashboardFolder()
    const { running, origin, headers } = await start()
    const { status, headers: answered } = await ask(origin, { path: new URL(running.url).search })
    expect([status, answered.location]).toEqual([303, '/'])
    expect(answered['set-cookie']?.[0]).toMatch(/; HttpOnly; SameSite=Strict/)
    expect((await ask(origin, { path: '/', headers })).status).toBe(200)
  })
})

describe('other pages', () => {
  test.each([
    ['a name that leads here', { host: 'evil.example:80', origin: 'http://evil.example:80' }],
    ['another port', { host: '127.0.0.1:1' }],
    ['another origin', { origin: 'http://evil.example' }],
    ['another server on this machine', { origin: 'http://127.0.0.1:1' }],
    ['a page without an origin', { origin: 'null' }],
    ['a request from another site', { 'sec-fetch-site': 'cross-site' }],
    ['a request from another port', { 'sec-fetch-site': 'same-site' }],
  ])('are refused: %s', async (_, wrong) => {
    const { start } = await dashboardFolder()
    const { origin, headers } = await start()
    for (const [method, path] of [
      ['GET', '/api/events'],
      ['GET', '/'],
      ['POST', '/api/folders'],
    ] as const) {
      const asked = { method, path, headers: { ...headers, ...wrong } }
      expect((await ask(origin, asked)).status, path).toBe(403)
    }
  })

  test('are refused where they do not say who they are, and something would change', async () => {
    const { start } = await dashboardFolder()
    const { origin, headers } = await start()
    const silent = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'origin'))
    const call = { method: 'POST', path: '/api/folders', body: { folder: '' } }
    expect((await ask(origin, { ...call, headers: silent })).status).toBe(403)
    expect((await ask(origin, { ...call, headers })).status).toBe(200)
    expect(
      (await ask(origin, { ...call, headers: { ...headers, 'content-type': 'text/plain' } })).status,
    ).toBe(415)
  })
})

test('every answer forbids what the page does not need', async () => {
  const { start } = await dashboardFolder()
  const { origin, headers } = await start()
  for (const asked of [{ path: '/', headers }, { path: '/' }, { path: '/nothing', headers }]) {
    const { headers: answered } = await ask(origin, asked)
    const policy = answered['content-security-policy']
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("require-trusted-types-for 'script'")
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
    expect(answered).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
  }
})

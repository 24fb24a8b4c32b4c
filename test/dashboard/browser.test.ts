/** The dashboard as people use it: in a real browser, against a real server. */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { startDashboard, type RunningDashboard } from '../../examples/dashboard/start-dashboard.ts'
import { whyUnavailable } from '../servers/installation.ts'
import type { RunningServer } from '../servers/types.ts'
import { sharedServer } from '../servers/vitest.ts'
import { testBrowser, whyNoBrowser, type TestBrowser } from '../support/browser.ts'
import { untilPasses, untilTrue } from '../support/eventually.ts'
import { randomBytes } from '../support/random-bytes.ts'
import { temporaryDirectory, type TemporaryDirectory } from '../support/temporary-directory.ts'

const CONTENT = randomBytes(12_000_003, 'browser')
const SHA256 = createHash('sha256').update(CONTENT).digest('hex')
const EVIL = '<img src=x onerror=alert(1)>.txt'
const MANY = 100_000

const missing = whyNoBrowser() ?? whyUnavailable('pyftpdlib')

describe.skipIf(missing !== undefined)(
  `a browser${missing === undefined ? '' : `, left out: ${missing}`}`,
  () => {
    const server = sharedServer('pyftpdlib')
    let browser: TestBrowser
    let folder: TemporaryDirectory
    let page: Page
    /** What the page should not say. */
    let complaints: string[]

    beforeAll(async () => {
      browser = await testBrowser({ width: 1400, height: 900 })
    })
    afterAll(() => browser[Symbol.asyncDispose]())

    beforeEach(async () => {
      folder = await temporaryDirectory()
      onTestFinished(() => folder[Symbol.asyncDispose]())
      page = await browser.context.newPage()
      onTestFinished(() => page.close())
      complaints = []
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('dialog', (dialog) => complaints.push(dialog.message()))
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.text().includes('Failed to load resource'))
          complaints.push(message.text())
      })
    })

    async function start(port = 0): Promise<RunningDashboard> {
      const running = await startDashboard({
        port,
        folder: folder.at('saved'),
        stateFolder: folder.at('state'),
      })
      onTestFinished(() => running.close())
      return running
    }

    async function connect({ host, port, user, password }: RunningServer): Promise<void> {
      await page.fill('#host', `ftp://${user}@${host}:${port}`)
      expect(await page.inputValue('#port')).toBe(String(port))
      await page.fill('#password', password)
      await page.keyboard.press('Enter')
      await row('pub').waitFor()
    }

    function row(name: string): Locator {
      return page.locator('.row', { has: page.getByText(name, { exact: true }) })
    }

    function card(name: string): Locator {
      return page.locator('.card', { has: page.getByText(name, { exact: true }) })
    }

    async function openPub(): Promise<void> {
      await row('pub').dblclick()
      await row('disk.img').waitFor()
    }

    /** How much of the only strip, of 1000. */
    function filled(): Promise<number> {
      const widths =
        "[...document.querySelectorAll('.there')].map((one) => Number(one.getAttribute('width')))"
      return page.evaluate<number>(`${widths}.reduce((sum, width) => sum + width, 0)`)
    }

    /** What is drawn. */
    function graph(): Promise<string> {
      return page.evaluate<string>("document.querySelector('.graph canvas').toDataURL()")
    }

    beforeAll(() => {
      server().write('/pub/disk.img', CONTENT)
      server().write('/pub/notes.txt', 'notes')
      server().write('/pub/folder 10/in it.txt', 'in it')
      server().write('/pub/folder 9/in it.txt', 'in it')
      server().write(`/pub/${EVIL}`, 'evil')
    })

    test('connects, browses, downloads by four connections, is paused, resumed and limited, and compares', async () => {
      const { url } = await start()
      await page.goto(url)
      expect(page.url()).not.toContain('token')

      const { host, port, user, password } = server()
      await page.fill('#host', host)
      await page.selectOption('#security', 'none')
      await page.fill('#port', String(port))
      await page.fill('#user', user)
      await page.fill('#password', 'a wrong one')
      await page.click('#connect')
      const alert = page.getByRole('alert')
      await alert.waitFor()
      expect(await alert.textContent()).toContain('did not accept the user name or the password')

      await page.fill('#password', password)
      await page.click('#connect')
      await row('pub').waitFor()
      expect(await page.content()).not.toContain(password)
      await page.locator('#files').focus()
      await page.keyboard.press('Enter')
      await row('disk.img').waitFor()

      await page.fill('#limit', '0.3')
      await page.keyboard.press('Enter')
      await page.locator('#files').focus()
      await page.keyboard.press('End')
      await page.keyboard.press('Home')
      await row('disk.img').click()
      await page.keyboard.press('d')
      const transfer = card('disk.img')
      await transfer.getByText('4 connections').waitFor()
      await untilTrue(async () => (await transfer.locator('.there').count()) >= 4)

      const [before, drawn] = [await filled(), await graph()]
      await untilTrue(async () => (await filled()) > before)
      await untilTrue(async () => (await graph()) !== drawn)

      await transfer.focus()
      await page.keyboard.press('p')
      await transfer.getByText('Paused').waitFor()
      await page.keyboard.press('p')
      await transfer.getByText('Running').waitFor()

      await page.keyboard.press('Enter')
      await transfer.locator('.expected').fill(SHA256)
      await page.keyboard.press('Enter')
      await page.fill('#limit', '')
      await page.keyboard.press('Enter')
      await transfer.getByText('SHA-256 matched the one expected').waitFor()
      expect(CONTENT.equals(await readFile(folder.at('saved/disk.img')))).toBe(true)
      expect(await page.getByRole('log').textContent()).toContain('disk.img is complete, checksum matched')
      expect(complaints).toEqual([])
    })

    test('its transfers survive a reload of the page, and a restart of the server', async () => {
      const first = await start()
      await page.goto(first.url)
      await page.fill('#limit', '0.2')
      await page.keyboard.press('Enter')
      await page.check('#save')
      await page.fill('#save-name', 'mine')
      await page.check('#save-password')
      await connect(server())
      await openPub()
      await row('disk.img').dblclick()
      await card('disk.img').getByText('Running').waitFor()

      await page.reload()
      await card('disk.img').getByText('Running').waitFor()
      await row('pub').waitFor()
      await untilTrue(async () => (await filled()) > 0)

      const before = await filled()
      await first.close()
      await page.getByText('does not answer').waitFor()
      await start(Number(new URL(first.url).port))
      await card('disk.img').getByText('Running').waitFor()
      await untilTrue(async () => (await filled()) > before)
      await page.fill('#limit', '')
      await page.keyboard.press('Enter')
      await card('disk.img').getByText('Complete').waitFor()
      expect(CONTENT.equals(await readFile(folder.at('saved/disk.img')))).toBe(true)

      await page.getByText('mine').click()
      expect(await page.inputValue('#password')).toBe('')
      await page.click('#connect')
      await row('pub').waitFor()
      expect(complaints).toEqual([])
    })

    test('shows names as they are, directories first, and nothing of them is run', async () => {
      const { url } = await start()
      await page.goto(url)
      await connect(server())
      await openPub()
      const names = await page.locator('.row .text').allTextContents()
      expect(names).toEqual(['folder 9', 'folder 10', EVIL, 'disk.img', 'notes.txt'])
      await row(EVIL).dblclick()
      await card(EVIL).getByText('Complete').waitFor()
      expect(await page.locator('img').count()).toBe(0)
      expect(complaints).toEqual([])
    })

    test('is used by keys alone', async () => {
      const { url } = await start()
      await page.goto(url)
      await connect(server())
      await page.keyboard.press('Alt+1')
      await page.keyboard.press('Enter')
      await row('notes.txt').waitFor()
      await page.keyboard.press('End')
      await page.keyboard.press('Space')
      await page.keyboard.press('Home')
      await page.keyboard.press('Space')
      await page.getByText('2 of 5 selected').waitFor()
      await page.keyboard.press('d')
      await card('notes.txt').getByText('Complete').waitFor()
      await card('in it.txt').getByText('Complete').waitFor()
      await page.keyboard.press('Backspace')
      await row('pub').waitFor()

      await page.keyboard.press('Alt+2')
      await page.locator('.card:focus').waitFor()
      await page.keyboard.press('Delete')
      await untilTrue(async () => (await page.locator('.card').count()) === 1)
      await page.keyboard.press('Delete')
      await untilTrue(async () => (await page.locator('.card').count()) === 0)
      await page.keyboard.press('?')
      await page.getByRole('dialog', { name: 'Keys' }).waitFor()
      await page.keyboard.press('Escape')
      expect(complaints).toEqual([])
    })

    test('has room in a narrow window', async () => {
      await page.setViewportSize({ width: 390, height: 844 })
      const { url } = await start()
      await page.goto(url)
      await connect(server())
      await openPub()
      await row('notes.txt').click()
      await page.click('#fetch')
      await page.getByRole('button', { name: 'Transfers (1)' }).click()
      await card('notes.txt').getByText('Complete').waitFor()
      expect(await page.locator('#files').isVisible()).toBe(false)
      const isTooWide = 'document.documentElement.scrollWidth > document.documentElement.clientWidth'
      expect(await page.evaluate(isTooWide)).toBe(false)
      expect(complaints).toEqual([])
    })

    test('keeps a hundred thousand entries out of the document', async () => {
      server().makeDirectory('/many')
      const folderOfMany = join(server().root, 'many')
      for (let at = 0; at < MANY; at += 1_000) {
        const names = Array.from({ length: 1_000 }, (_, index) => join(folderOfMany, `file ${at + index}`))
        await Promise.all(names.map((name) => writeFile(name, '')))
      }
      const { url } = await start()
      await page.goto(url)
      await connect(server())
      await row('many').dblclick()
      await page.getByText('100,000 entries').first().waitFor()
      await untilPasses(async () =>
        expect(await page.locator('#files').getAttribute('aria-busy')).toBe('false'),
      )
      expect(await page.locator('.row').count()).toBeLessThan(100)
      await page.locator('#files').focus()
      await page.keyboard.press('End')
      await row('file 99999').waitFor()
      await page.fill('#filter', 'file 4711')
      await row('file 47110').waitFor()
      expect(await page.locator('.row').count()).toBe(11)
      expect(complaints).toEqual([])
    })
  },
)

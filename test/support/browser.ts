/** Debian's Chromium, as test/servers/provision.mjs has unpacked it, driven by Playwright. */
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { chromium, type BrowserContext } from 'playwright-core'
import { installedFile, libraryPath, whyUnavailable } from '../servers/installation.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** Why there is none on this machine, or undefined if there is. */
export function whyNoBrowser(): string | undefined {
  return whyUnavailable('chromium')
}

const PARAMETERS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
]

export interface TestBrowser extends AsyncDisposable {
  readonly context: BrowserContext
}

/** Without a window, with a profile and a font of its own, both gone at the end of `await using`. */
export async function testBrowser(viewport: { width: number; height: number }): Promise<TestBrowser> {
  const folder = await temporaryDirectory()
  try {
    const fonts = folder.at('fonts.conf')
    const fontFolder = dirname(installedFile('chromium', 'DejaVuSans.ttf'))
    await writeFile(
      fonts,
      `<?xml version="1.0"?><fontconfig><dir>${fontFolder}</dir><cachedir>${folder.at('fonts')}</cachedir></fontconfig>`,
    )
    const context = await chromium.launchPersistentContext(join(folder.path, 'profile'), {
      executablePath: installedFile('chromium', '/chromium'),
      headless: true,
      args: PARAMETERS,
      viewport,
      // Its home is its own, too: it would leave files in that of the user.
      env: { ...process.env, HOME: folder.path, FONTCONFIG_FILE: fonts, LD_LIBRARY_PATH: libraryPath() },
    })
    return {
      context,
      [Symbol.asyncDispose]: async () => {
        await context.close()
        await folder[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await folder[Symbol.asyncDispose]()
    throw error
  }
}

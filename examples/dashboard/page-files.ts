/** The page, built by esbuild when the server starts, and kept in memory. */
import { fileURLToPath } from 'node:url'
import { build, stop } from 'esbuild'

export interface PageFile {
  readonly type: string
  readonly bytes: Uint8Array
}

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
}

const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark">
<title>octoftp</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script>
</head>
<body><noscript>This page needs JavaScript.</noscript><div id="root"></div></body>
</html>
`

/** Eight arms that fetch one file. */
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#16202b"/><g fill="none" stroke="#5ec9b4" stroke-width="2.4" stroke-linecap="round"><path d="M8 26v-6M13.300 27v-7M18.700 27v-7M24 26v-6"/></g><path d="M7 15a9 9 0 0 1 18 0v3H7z" fill="#5ec9b4"/></svg>`

/** By their paths. */
export async function pageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const { outputFiles } = await build({
    entryPoints: { page: fileURLToPath(new URL('page/main.tsx', import.meta.url)) },
    outdir: '/',
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'warning',
  })
  // It is a process of its own, which is not needed any more.
  await stop()
  const built = outputFiles.map(({ path, contents }): [string, PageFile] => {
    const ending = path.slice(path.lastIndexOf('.') + 1)
    return [`/page.${ending}`, { type: TYPES[ending] ?? 'application/octet-stream', bytes: contents }]
  })
  return new Map([
    ...built,
    ['/', { type: 'text/html; charset=utf-8', bytes: Buffer.from(HTML) }],
    ['/icon.svg', { type: 'image/svg+xml', bytes: Buffer.from(ICON) }],
  ])
}

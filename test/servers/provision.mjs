/**
 * Brings the real FTP servers, the proxies and the browser of the tests onto this machine: downloads Debian's
 * packages and unpacks them into `.servers/` of the project. Nothing is installed into the system, so the
 * packages, which conflict with one another when installed, lie side by side.
 *
 *   .servers/root/          what the packages hold (usr/sbin/vsftpd, usr/lib/…)
 *   .servers/manifest.json  which servers are there, and why another is not
 *
 * Plain Node without dependencies, for it runs before everything else. It ends with 0 even where a server
 * cannot be had (another system, no network): the tests then say what they left out. With
 * OCTOFTP_REQUIRE_SERVERS=1 a missing server is a failure.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const home = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '.servers')
const root = join(home, 'root')
const manifestFile = join(home, 'manifest.json')

/** What each server needs: its packages, the files that prove it is there, and whether it must be root. */
const servers = {
  vsftpd: {
    // Debian's vsftpd asks PAM about passwords; this module checks them against a file of ours.
    packages: ['vsftpd', 'libpam-pwdfile'],
    files: ['usr/sbin/vsftpd', /\/security\/pam_pwdfile\.so$/],
    needsRoot: true,
  },
  proftpd: {
    packages: ['proftpd-core', 'proftpd-mod-crypto'],
    files: ['usr/sbin/proftpd', 'usr/lib/proftpd/mod_tls.so', 'usr/lib/proftpd/mod_digest.so'],
    needsRoot: true,
  },
  'pure-ftpd': {
    packages: ['pure-ftpd', 'pure-ftpd-common'],
    files: ['usr/sbin/pure-ftpd', 'usr/bin/pure-pw'],
    needsRoot: true,
  },
  pyftpdlib: {
    packages: ['python3-pyftpdlib', 'python3-openssl', 'python3-cryptography', 'python3-cffi-backend'],
    files: ['usr/lib/python3/dist-packages/pyftpdlib', 'usr/lib/python3/dist-packages/OpenSSL'],
    needsRoot: false,
  },
  // Proxies, before any of them: SOCKS 5; SOCKS 4 and 5; HTTP CONNECT; FTP.
  microsocks: { packages: ['microsocks'], files: ['usr/bin/microsocks'], needsRoot: false },
  danted: { packages: ['dante-server'], files: ['usr/sbin/danted'], needsRoot: true },
  tinyproxy: { packages: ['tinyproxy-bin'], files: ['usr/bin/tinyproxy'], needsRoot: false },
  'ftp-proxy': { packages: ['ftp-proxy'], files: ['usr/sbin/ftp-proxy'], needsRoot: false },
  // No server: it lets one listen by Multipath TCP.
  mptcpize: {
    packages: ['mptcpize', 'libmptcpwrap0'],
    files: ['usr/bin/mptcpize', /\/libmptcpwrap\.so\.0$/],
    needsRoot: false,
  },
  // No server: the browser in which the dashboard is tested, with a font for it.
  chromium: {
    packages: ['chromium', 'chromium-common', 'fonts-dejavu-core'],
    files: ['usr/lib/chromium/chromium', 'usr/share/fonts/truetype/dejavu/DejaVuSans.ttf'],
    needsRoot: false,
  },
  // For the queue of examples/fleet. Its program is a link to one of redis-tools.
  'redis-server': {
    packages: ['redis-server', 'redis-tools'],
    files: ['usr/bin/redis-server'],
    needsRoot: false,
  },
}

/** Changes when this file changes: what an older recipe unpacked is unpacked again. */
const recipe = createHash('sha256')
  .update(readFileSync(fileURLToPath(import.meta.url)))
  .digest('hex')
  .slice(0, 16)

const isRoot = process.getuid?.() === 0

function run(command, args, options = {}) {
  return execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    ...options,
  })
}

/** One line of why a command failed: the tool's own last error line where it has one. */
function reason(error) {
  const lines = `${error?.stderr ?? ''}`.split('\n').filter((line) => /^(E|W):|error/i.test(line))
  return (lines.at(-1) ?? error?.message ?? String(error)).split('\n')[0].trim()
}

function has(command) {
  return (process.env.PATH ?? '')
    .split(':')
    .some((folder) => folder !== '' && existsSync(join(folder, command)))
}

// ---- what is there --------------------------------------------------------------------------------------

/** What the last run found; undefined if there was none. */
export function readManifest() {
  try {
    return JSON.parse(readFileSync(manifestFile, 'utf8'))
  } catch {
    return undefined
  }
}

/** @returns the path under `folder` that is `wanted`: a path, or a pattern over the libraries' paths. */
function locate(folder, wanted) {
  if (typeof wanted === 'string') return existsSync(join(folder, wanted)) ? wanted : undefined
  for (const lib of ['usr/lib', 'lib']) {
    if (!existsSync(join(folder, lib))) continue
    const paths = readdirSync(join(folder, lib), { recursive: true }).map((path) => `${lib}/${path}`)
    const found = paths.find((path) => wanted.test(path))
    if (found !== undefined) return found
  }
  return undefined
}

/** Complete means: unpacked by this recipe, every server there, and the unpacked files still in place. */
function isComplete(manifest) {
  if (manifest?.recipe !== recipe) return false
  return Object.keys(servers).every(
    (name) => manifest.servers?.[name]?.unpacked === true && manifest.servers[name].files.every(existsSync),
  )
}

// ---- apt ------------------------------------------------------------------------------------------------

/** The packages that `names` need and this machine lacks, by apt's own solver (nothing is installed). */
function missingDependencies(names) {
  const plan = run('apt-get', ['install', '--simulate', '--no-install-recommends', '-qq', ...names])
  const wanted = plan.split('\n').map((line) => /^Inst (\S+)/.exec(line)?.[1])
  // Only libraries (Lua's, too) and Python: init scripts and super-servers are of no use to an unpacked server.
  return wanted.filter(
    (name) => name !== undefined && /^(lib|lua-|python3)/.test(name) && !names.includes(name),
  )
}

/** @returns the files downloaded */
function download(names, folder) {
  if (names.length === 0) return []
  const before = new Set(readdirSync(folder))
  // _apt, the user apt drops to, may not write into our folder: fetch as ourselves, without the warning.
  run('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', ...names], { cwd: folder })
  return readdirSync(folder).filter((name) => name.endsWith('.deb') && !before.has(name))
}

async function updateLists() {
  if (!isRoot) return
  for (let attempt = 1; ; attempt += 1) {
    try {
      // Without this option apt-get update ends with 0 although it could not fetch anything.
      run('apt-get', ['update', '-qq', '-o', 'APT::Update::Error-Mode=any'])
      return
    } catch (error) {
      if (attempt === 3) throw error
      await sleep(2_000 * attempt)
    }
  }
}

// ---- unpacking ------------------------------------------------------------------------------------------

function libraryPath(folder) {
  const lib = ['usr/lib', 'lib'].map((path) => join(folder, path)).filter(existsSync)
  const perArchitecture = lib.flatMap((path) =>
    readdirSync(path)
      .filter((name) => name.includes('-linux-'))
      .map((name) => join(path, name)),
  )
  // A library of PulseAudio's looks for its other half by an absolute path.
  const within = perArchitecture.map((path) => join(path, 'pulseaudio')).filter(existsSync)
  return [...perArchitecture, ...within, ...lib].join(':')
}

function checkLibraries(folder, files) {
  const programs = files
    .map((file) => locate(folder, file))
    .filter((path) => /(bin\/|\.so$|\/chromium$)/.test(path))
  for (const program of programs) {
    const text = run('ldd', [join(folder, program)], {
      env: { ...process.env, LC_ALL: 'C', LD_LIBRARY_PATH: libraryPath(folder) },
    })
    const lost = [...text.matchAll(/^\s*(\S+) => not found/gm)].map((match) => match[1])
    if (lost.length > 0) throw new Error(`${program} lacks ${lost.join(', ')}`)
  }
}

function pythonCommand(folder) {
  if (existsSync('/usr/bin/python3')) return '/usr/bin/python3'
  const unpacked = locate(folder, 'usr/bin/python3')
  if (unpacked === undefined) throw new Error('there is no python3')
  return join(folder, unpacked)
}

function checkPython(folder) {
  const python = pythonCommand(folder)
  const env = { ...process.env, LD_LIBRARY_PATH: libraryPath(folder) }
  env.PYTHONPATH = join(folder, 'usr/lib/python3/dist-packages')
  if (python.startsWith(folder)) env.PYTHONHOME = join(folder, 'usr')
  run(python, ['-c', 'import pyftpdlib.servers, OpenSSL'], { env })
  // Debian compiles modules when it installs them; unpacked ones would be compiled at every start.
  run(python, ['-m', 'compileall', '-q', env.PYTHONPATH], { env })
}

function checkServer(name, folder) {
  const { files } = servers[name]
  const lost = files.filter((file) => locate(folder, file) === undefined)
  if (lost.length > 0) throw new Error(`the packages hold no ${lost.join(', ')}`)
  checkLibraries(folder, files)
  if (name === 'pyftpdlib') checkPython(folder)
}

function unpack(names, folder) {
  const packages = join(folder, 'packages')
  return download(names, packages).map((file) => {
    run('dpkg', ['-x', join(packages, file), join(folder, 'root')])
    return decodeURIComponent(file.replace(/_[^_]+\.deb$/, '').replace('_', ' '))
  })
}

/** Unpacks a server; what it needs besides is looked up only if it does not run without (apt is slow). */
function unpackServer(name, folder) {
  const { packages } = servers[name]
  const versions = unpack(packages, folder)
  try {
    checkServer(name, join(folder, 'root'))
  } catch {
    versions.push(...unpack(missingDependencies(packages), folder))
    checkServer(name, join(folder, 'root'))
  }
  return versions
}

/** Works with apt's lists as they are; they may be missing or old, so the first failure fetches new ones. */
async function unpackEach(folder) {
  let listsAreFresh = false
  const found = {}
  for (const name of Object.keys(servers)) {
    try {
      if (!canUnpack(name, folder, found) && !listsAreFresh) {
        listsAreFresh = true
        await updateLists()
        canUnpack(name, folder, found)
      }
    } catch (error) {
      found[name] = { unpacked: false, reason: reason(error) }
    }
  }
  return found
}

function canUnpack(name, folder, found) {
  try {
    found[name] = { unpacked: true, packages: unpackServer(name, folder) }
  } catch (error) {
    found[name] = { unpacked: false, reason: reason(error) }
  }
  return found[name].unpacked
}

async function unpackAll() {
  const lacking = ['apt-get', 'dpkg', 'ldd', 'setsid'].filter((command) => !has(command))
  if (lacking.length > 0) {
    return unavailable(`this machine has no ${lacking.join(', ')}: real servers come from Debian's packages`)
  }
  const folder = join(home, `unpacking-${process.pid}`)
  for (const name of ['root', 'packages']) mkdirSync(join(folder, name), { recursive: true })
  try {
    const found = await unpackEach(folder)
    rmSync(root, { recursive: true, force: true })
    renameSync(join(folder, 'root'), root)
    return found
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function unavailable(why) {
  return Object.fromEntries(Object.keys(servers).map((name) => [name, { unpacked: false, reason: why }]))
}

function writeManifest(found) {
  const manifest = { recipe, libraryPath: '', servers: {} }
  if (existsSync(root)) manifest.libraryPath = libraryPath(root)
  for (const [name, facts] of Object.entries(found)) {
    const files = facts.unpacked ? servers[name].files.map((file) => join(root, locate(root, file))) : []
    manifest.servers[name] = { ...facts, needsRoot: servers[name].needsRoot, files }
  }
  if (found.pyftpdlib.unpacked) manifest.servers.pyftpdlib.python = pythonCommand(root)
  // Written beside and renamed: a reader never sees half of it.
  writeFileSync(`${manifestFile}.new`, `${JSON.stringify(manifest, null, 2)}\n`)
  renameSync(`${manifestFile}.new`, manifestFile)
  return manifest
}

// ---- one at a time --------------------------------------------------------------------------------------

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function tryLock(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  const holder = Number.parseInt(existsSync(lock) ? readFileSync(lock, 'utf8') : '', 10)
  // A lock whose process is gone was left by a kill; an empty one is being written at this moment.
  if (Number.isInteger(holder) && !isAlive(holder)) rmSync(lock, { force: true })
  return false
}

async function locked(work) {
  mkdirSync(home, { recursive: true })
  const lock = join(home, 'lock')
  while (!tryLock(lock)) await sleep(100)
  try {
    return await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

/** A half-unpacked folder of a run that was killed. */
function sweep() {
  for (const name of readdirSync(home)) {
    const pid = /^unpacking-(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(home, name), { recursive: true, force: true })
  }
}

/** Provides what it can, and gives the manifest. At once when everything is there. */
export async function provision() {
  const present = readManifest()
  if (isComplete(present)) return present
  return locked(async () => {
    const made = readManifest()
    if (isComplete(made)) return made // another process was faster
    sweep()
    return writeManifest(await unpackAll())
  })
}

/** @returns `name: reason` for each server that cannot run here. */
export function missingServers(manifest) {
  return Object.entries(manifest?.servers ?? {}).flatMap(([name, { unpacked, reason: why, needsRoot }]) => {
    if (!unpacked) return [`${name}: ${why}`]
    return needsRoot && !isRoot ? [`${name}: runs as root only (chroot, change of user)`] : []
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = missingServers(await provision())
  for (const line of missing) console.error(`real server left out: ${line}`)
  if (missing.length > 0 && process.env.OCTOFTP_REQUIRE_SERVERS === '1') process.exitCode = 1
}

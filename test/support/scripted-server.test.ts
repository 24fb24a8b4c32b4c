import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  certificate,
  expiredCertificate,
  selfSignedCertificate,
  wrongHostCertificate,
} from './certificates.ts'
import { RawClient, portIn } from './raw-client.ts'
import { foreignHost, namingPort, scriptedServer, withoutBrackets } from './scripted-server.ts'
import type { Dialogue, ScriptedData } from './scripted-server.ts'

const trusted = async (): Promise<{ ca: string }> => ({ ca: (await certificate()).ca })

describe('the dialogue', () => {
  test('expects, replies, and answers QUIT when it is over', async () => {
    await using server = await scriptedServer(async (control) => {
      control.reply('220 ready')
      await control.expect('USER octo').reply('331 go on')
      await control.expect(/^PASS /).reply('230-many', '230 lines')
    })
    const client = await RawClient.connect(server.port)
    expect(await client.line()).toBe('220 ready')
    expect(await client.ask('USER octo')).toBe('331 go on')
    expect(await client.ask('PASS secret')).toBe('230-many')
    expect(await client.line()).toBe('230 lines')
    expect(await client.ask('QUIT')).toBe('221 Goodbye')
    await client.readToEnd()
    expect(server.commands).toEqual([['USER octo', 'PASS secret', 'QUIT']])
  })

  test('takes commands that came together one at a time', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.expect('EPSV').reply('229 a')
      await control.expect('RETR é').reply('150 b')
    })
    const client = await RawClient.connect(server.port)
    client.socket.write('EPSV\r\nRETR é\r\n')
    expect([await client.line(), await client.line()]).toEqual(['229 a', '150 b'])
    client.close()
  })

  test('calls the handler for every connection with its number', async () => {
    await using server = await scriptedServer((control, index) => control.reply(`220 number ${index}`))
    const clients = [await RawClient.connect(server.port), await RawClient.connect(server.port)]
    expect(await Promise.all(clients.map((client) => client.line()))).toEqual([
      '220 number 0',
      '220 number 1',
    ])
  })

  test('listens on IPv6 too, and knows its URL', async () => {
    await using server = await scriptedServer((control) => control.reply('220 six'), { host: '::1' })
    const client = await RawClient.connect(server.port, '::1')
    expect(await client.line()).toBe('220 six')
    expect(server.url('/a.bin', 'ftpes')).toBe(`ftpes://[::1]:${server.port}//a.bin`)
  })
})

describe('what went against the script', () => {
  const failing = async (
    dialogue: Dialogue,
    play: (client: RawClient) => unknown,
    patienceMs = 4_000,
  ): Promise<Error> => {
    const server = await scriptedServer(dialogue, { patienceMs })
    const client = await RawClient.connect(server.port)
    await play(client)
    const error: unknown = await server.close().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(server.errors[0]).toBe(error)
    return error as Error
  }

  test('another command closes the connection and is told with what was expected', async () => {
    const error = await failing(
      async (control) => {
        await control.expect('USER octo').reply('331 go on')
        await control.expect(/^PASS /)
      },
      async (client) => {
        client.send('USER octo', 'ACCT x')
        await client.readToEnd()
      },
    )
    expect(error.message).toBe(
      'control connection 0: expected /^PASS /, got "ACCT x" (before it: "USER octo")',
    )
    expect(error.stack).toContain('scripted-server.test.ts')
  })

  test('a client that leaves early', async () => {
    const error = await failing(
      async (control) => {
        await control.expect('RETR a')
      },
      async (client) => {
        client.socket.end()
        await client.readToEnd()
      },
    )
    expect(error.message).toContain('expected "RETR a", got the end of the connection (before it: nothing)')
  })

  test('a client that says nothing', async () => {
    const error = await failing(
      async (control) => {
        await control.expect('RETR a')
      },
      (client) => client.readToEnd(),
      50,
    )
    expect(error.message).toContain('got nothing for 50 ms')
  })

  test('a test that ends before its dialogue', async () => {
    const error = await failing(
      async (control) => {
        control.reply('220 ready')
        await control.expect('RETR a')
      },
      (client) => client.line(),
    )
    expect(error.message).toContain('got nothing before the server was closed')
  })

  test('a command behind the end of the dialogue', async () => {
    const error = await failing(
      () => undefined,
      async (client) => {
        client.send('NOOP')
        await client.readToEnd()
      },
    )
    expect(error.message).toContain('expected no command, got "NOOP"')
  })

  test('a command where none was to come', async () => {
    const error = await failing(
      (control) => control.expectNothing(1_000),
      async (client) => {
        client.send('USER early')
        await client.readToEnd()
      },
    )
    expect(error.message).toContain('expected no command, got "USER early"')
  })

  test('an expectation that nobody awaits, and an exception of the dialogue itself', async () => {
    const unawaited = await failing(
      async (control) => {
        void control.expect('A')
        await control.closed
      },
      (client) => client.socket.end(),
    )
    expect(unawaited.message).toContain('expected "A"')
    const thrown = await failing(
      () => {
        throw new Error('a slip in the script')
      },
      (client) => client.readToEnd(),
    )
    expect(thrown.message).toBe('a slip in the script')
  })

  test('several are told together', async () => {
    const server = await scriptedServer(async (control) => {
      await control.expect('A')
    })
    for (const command of ['B', 'C']) {
      const client = await RawClient.connect(server.port)
      client.send(command)
      await client.readToEnd()
    }
    await expect(server.close()).rejects.toThrow(/expected "A", got "B".*\n.*expected "A", got "C"/)
  })
})

describe('bytes and time', () => {
  test('a reply in pieces arrives as that many reads, and what follows stays behind it', async () => {
    await using server = await scriptedServer((control) => {
      control.replyInPieces('220 ready', 1)
      control.reply('220 next')
    })
    const client = await RawClient.connect(server.port)
    expect([await client.line(), await client.line()]).toEqual(['220 ready', '220 next'])
    expect(client.chunks.map((chunk) => chunk.length)).toEqual([...Array<number>(11).fill(1), 10])
  })

  test('several replies in one packet, and junk', async () => {
    await using server = await scriptedServer((control) => {
      control.send('150 a\r\n226 b\r\n')
    })
    const client = await RawClient.connect(server.port)
    await client.change()
    expect(client.chunks).toHaveLength(1)
    await using junk = await scriptedServer((control) => control.send(Buffer.from([0, 255, 13, 10])))
    const other = await RawClient.connect(junk.port)
    await other.change()
    expect([...(other.chunks[0] ?? [])]).toEqual([0, 255, 13, 10])
  })

  test('silence takes everything and answers nothing; a delay ends with the server', async () => {
    const server = await scriptedServer(async (control, index) => {
      if (index === 1) await control.delay(60_000)
      await control.silence()
    })
    const client = await RawClient.connect(server.port)
    await RawClient.connect(server.port)
    client.send('USER a', 'PASS b')
    await sleep(20)
    await server.close()
    expect(client.chunks).toEqual([])
    expect(server.openHandles).toBe(0)
  })

  test('end is a FIN and reset is a RST, both behind what was said', async () => {
    await using server = await scriptedServer(async (control, index) => {
      control.replyInPieces('421 go away', 3)
      await (index === 0 ? control.end() : control.reset())
    })
    const ended = await RawClient.connect(server.port)
    expect((await ended.readToEnd()).toString()).toBe('421 go away\r\n')
    expect(ended.error).toBeUndefined()
    const reset = await RawClient.connect(server.port)
    expect((await reset.readToEnd()).toString()).toBe('421 go away\r\n')
    expect(reset.error?.code).toBe('ECONNRESET')
  })
})

describe('TLS on the control connection', () => {
  test('AUTH TLS, and the dialogue goes on inside', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.authTls()
      await control.expect('PBSZ 0').reply('200 fine')
    })
    const client = await RawClient.connect(server.port)
    expect(await client.ask('AUTH TLS')).toMatch(/^234 /)
    const socket = await client.startTls(await trusted())
    expect(socket.authorized).toBe(true)
    expect(await client.ask('PBSZ 0')).toBe('200 fine')
    expect(await client.ask('QUIT')).toBe('221 Goodbye')
  })

  test('implicit, on TLS 1.2', async () => {
    await using server = await scriptedServer((control) => control.reply('220 inside'), {
      implicit: true,
      tls: { maxVersion: 'TLSv1.2' },
    })
    const client = await RawClient.connect(server.port)
    const socket = await client.startTls(await trusted())
    expect(await client.line()).toBe('220 inside')
    expect(socket.getProtocol()).toBe('TLSv1.2')
    expect(server.url('a')).toBe(`ftps://127.0.0.1:${server.port}/a`)
  })

  test('plaintext can be injected behind the 234', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.expect('AUTH TLS')
      control.send('234 go\r\n220 injected\r\n')
      await control.startTls()
    })
    const client = await RawClient.connect(server.port)
    client.send('AUTH TLS')
    await client.change()
    expect(Buffer.concat(client.chunks).toString()).toBe('234 go\r\n220 injected\r\n')
  })

  test('a handshake can stall', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.expect('AUTH TLS').reply('234 go')
      await control.silence()
    })
    const client = await RawClient.connect(server.port)
    await client.ask('AUTH TLS')
    const handshake = client.startTls(await trusted()).then(
      () => 'done',
      () => 'failed',
    )
    expect(await Promise.race([handshake, sleep(100, 'stalled')])).toBe('stalled')
    client.close()
  })

  test('commands in clear behind AUTH TLS are told', async () => {
    const server = await scriptedServer(async (control) => {
      await control.authTls()
    })
    const client = await RawClient.connect(server.port)
    client.send('AUTH TLS', 'USER eager')
    await client.readToEnd()
    await expect(server.close()).rejects.toThrow(/"USER eager\\r\\n" in clear behind AUTH TLS/)
  })

  test.each([
    ['self-signed', selfSignedCertificate, true, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['for another host', wrongHostCertificate, false, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['expired', expiredCertificate, false, 'CERT_HAS_EXPIRED'],
  ])('a certificate that is %s', async (_name, make, distrusted, code) => {
    const made = await make()
    let secured: boolean | undefined
    await using server = await scriptedServer(
      async (control) => {
        secured = await control.startTls()
        await control.closed
      },
      { tls: { certificate: made, maxVersion: 'TLSv1.2' } },
    )
    const client = await RawClient.connect(server.port)
    const handshake = client.startTls(distrusted ? {} : { ca: made.ca })
    await expect(handshake).rejects.toMatchObject({ code })
    await server.close()
    expect(secured).toBeDefined()
  })

  test.each(['127.0.0.1', 'localhost'])('the certificate is good for %s', async (host) => {
    await using server = await scriptedServer((control) => control.reply('220 inside'), { implicit: true })
    const client = await RawClient.connect(server.port)
    expect((await client.startTls({ ...(await trusted()), host })).authorized).toBe(true)
  })

  // Not by a connection: Node 22.23.3 refuses every IPv6 address (it looks for `::1.`).
  test('the certificate names ::1', async () => {
    expect(new X509Certificate((await certificate()).cert).checkIP('::1')).toBeDefined()
  })
})

describe('data connections', () => {
  const passive = async (
    use: (data: ScriptedData) => unknown,
    command = 'EPSV',
  ): Promise<{ client: RawClient; data: RawClient; [Symbol.asyncDispose]: () => Promise<void> }> => {
    const server = await scriptedServer(async (control) => {
      const data = await control.passive()
      await data.accepted
      await use(data)
      control.reply('226 done')
    })
    const client = await RawClient.connect(server.port)
    const data = await RawClient.connect(portIn(await client.ask(command)))
    return { client, data, [Symbol.asyncDispose]: () => server.close() }
  }

  test.each(['EPSV', 'PASV'])('%s: bytes and a FIN', async (command) => {
    await using run = await passive(async (data) => {
      await data.write('hello')
      await data.end()
    }, command)
    expect((await run.data.readToEnd()).toString()).toBe('hello')
    expect(run.data.error).toBeUndefined()
    expect(await run.client.line()).toBe('226 done')
  })

  test('RST comes behind the last byte, even where the client read late', async () => {
    let full: (() => void) | undefined
    const filled = new Promise<void>((resolve) => (full = resolve))
    await using run = await passive(async (data) => {
      // Until the buffers of both kernels hold all they can, and one write waits for room.
      while ((await Promise.race([data.write(Buffer.alloc(65_536)), sleep(100, 'full')])) === true);
      full?.()
      await data.write('the last')
      await data.reset()
    })
    run.data.socket.pause()
    await filled
    run.data.socket.resume()
    const bytes = await run.data.readToEnd()
    expect(bytes.subarray(-8).toString()).toBe('the last')
    expect(run.data.error?.code).toBe('ECONNRESET')
  })

  test('bytes in pieces', async () => {
    await using run = await passive(async (data) => {
      await data.writeInPieces('abcdef', 2)
      await data.end()
    })
    await run.data.readToEnd()
    expect(run.data.chunks.map(String)).toEqual(['ab', 'cd', 'ef'])
  })

  test('an upload, and how the client left', async () => {
    const seen: unknown[] = []
    await using run = await passive(async (data) => {
      seen.push((await data.readToEnd()).toString(), await data.departed)
    })
    run.data.socket.end('up')
    expect(await run.client.line()).toBe('226 done')
    expect(seen).toEqual(['up', 'end'])
  })

  test("the client's reset is seen, and writing behind it is false", async () => {
    const seen: unknown[] = []
    await using run = await passive(async (data) => {
      seen.push(await data.departed, await data.write('late'), data.open)
    })
    run.data.socket.resetAndDestroy()
    expect(await run.client.line()).toBe('226 done')
    expect(seen).toEqual(['reset', false, false])
  })

  test('a port that refuses, and one that never answers', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.passive({ port: 'closed' })
      await control.passive({ port: 'filtered' })
    })
    const client = await RawClient.connect(server.port)
    const closed = connect(portIn(await client.ask('EPSV')), '127.0.0.1')
    await expect(once(closed, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const filtered = connect(portIn(await client.ask('EPSV')), '127.0.0.1')
    filtered.on('error', () => undefined)
    expect(await Promise.race([once(filtered, 'connect'), sleep(300, 'no answer')])).toBe('no answer')
    expect(filtered.connecting).toBe(true)
    filtered.destroy()
  })

  test('a 227 of another host, without brackets, with a port of its own', async () => {
    await using server = await scriptedServer(async (control) => {
      await control.passive({ command: 'PASV', reply: foreignHost('192.0.2.7') })
      await control.passive({ command: 'PASV', reply: withoutBrackets })
      await control.passive({ command: 'PASV', reply: namingPort(21) })
    })
    const client = await RawClient.connect(server.port)
    expect(await client.ask('PASV')).toMatch(/^227 .*\(192,0,2,7,\d+,\d+\)$/)
    expect(await client.ask('PASV')).toMatch(/^227 [^()]* 127,0,0,1,\d+,\d+$/)
    expect(await client.ask('PASV')).toMatch(/\(127,0,0,1,0,21\)$/)
  })

  test('active mode connects to where PORT points', async () => {
    await using server = await scriptedServer(async (control) => {
      const { data, connect } = await control.active()
      await connect()
      await data.write('there')
      await data.end()
    })
    await using listener = await scriptedServer(async (control) => {
      // A scripted server takes the place of the client's listener here: it only has to collect.
      await control.silence()
    })
    const client = await RawClient.connect(server.port)
    const port = listener.port
    expect(await client.ask(`PORT 127,0,0,1,${port >> 8},${port & 255}`)).toMatch(/^200 /)
    await expect.poll(() => listener.connections.length).toBe(1)
  })
})

describe('TLS on data connections', () => {
  const session = async (
    script: Dialogue,
    maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3',
  ): Promise<{ client: RawClient; [Symbol.asyncDispose]: () => Promise<void> }> => {
    const server = await scriptedServer(
      async (control, index) => {
        await control.authTls()
        await control.expect('PROT P').reply('200 private')
        await script(control, index)
      },
      { tls: { maxVersion } },
    )
    const client = await RawClient.connect(server.port)
    await client.ask('AUTH TLS')
    await client.startTls(await trusted())
    await client.ask('PROT P')
    return { client, [Symbol.asyncDispose]: () => server.close() }
  }
  const fetch = async (client: RawClient, session: Buffer | undefined): Promise<RawClient> => {
    const data = await RawClient.connect(portIn(await client.ask('EPSV')))
    await data.startTls({ ...(await trusted()), ...(session && { session }) })
    await data.readToEnd()
    return data
  }

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s: reuse is seen, and which ticket was offered',
    async (version) => {
      const reused: unknown[] = []
      const tickets: unknown[] = []
      await using run = await session(async (control) => {
        for (let round = 0; round < 4; round++) {
          if (round === 3) control.forgetTickets()
          const data = await control.passive()
          await data.write('secret')
          await data.end()
          reused.push(data.isSessionReused())
          tickets.push(data.ticket)
        }
      }, version)
      const [first] = run.client.sessions
      await fetch(run.client, first)
      await fetch(run.client, first)
      await fetch(run.client, undefined)
      const last = await fetch(run.client, first)
      expect(Buffer.concat(last.chunks).toString()).toBe('secret')
      expect(reused).toEqual([true, true, false, false])
      expect(tickets[0]).toMatch(/^[0-9a-f]{16}$/)
      expect(tickets).toEqual([tickets[0], tickets[0], undefined, tickets[0]])
    },
  )

  test("another control connection's session does not resume", async () => {
    const reused: unknown[] = []
    const script: Dialogue = async (control) => {
      const data = await control.passive()
      await data.end()
      reused.push(data.isSessionReused())
    }
    await using one = await session(script)
    await using two = await session(script)
    await fetch(two.client, one.client.sessions[0])
    await fetch(one.client, one.client.sessions[0])
    expect(reused).toEqual([false, true])
  })

  test('a raw reset, a missing close_notify, and a handshake that never comes', async () => {
    await using run = await session(async (control) => {
      const reset = await control.passive()
      await reset.write('cut')
      await reset.reset()
      const bare = await control.passive()
      await bare.write('cut')
      await bare.endWithoutNotice()
      await control.passive()
      await control.closed
    })
    const reset = await fetch(run.client, undefined)
    expect(reset.error?.code).toBe('ECONNRESET')
    expect(Buffer.concat(reset.chunks).toString()).toBe('cut')
    const bare = await fetch(run.client, undefined)
    expect(Buffer.concat(bare.chunks).toString()).toBe('cut')
    const never = await RawClient.connect(portIn(await run.client.ask('EPSV')))
    const handshake = never.startTls(await trusted()).catch(() => 'failed')
    expect(await Promise.race([handshake, sleep(100, 'stalled')])).toBe('stalled')
    never.close()
    run.client.close()
  })

  test('a client that breaks the handshake off is no error of the server', async () => {
    const wrote: unknown[] = []
    await using run = await session(async (control) => {
      const data = await control.passive()
      await expect(data.secure()).rejects.toThrow(/ClientHello|handshake|SSL|wrong version/)
      wrote.push(await data.write('x'))
    })
    const data = await RawClient.connect(portIn(await run.client.ask('EPSV')))
    data.socket.end('this is no ClientHello at all')
    await expect.poll(() => wrote).toEqual([false])
    data.close()
  })
})

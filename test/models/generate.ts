/** Random plans and scenarios for fast-check. What no client could find out is left out: a server that lies throughout. */
import fc from 'fast-check'
import type { Reaction, ServerPlan, TransferPlan } from './plan.ts'
import type { Scenario } from './scenario.ts'

/** Milliseconds; far below the client's deadlines. */
const late = fc.integer({ min: 1, max: 50 })
const ending = fc.constantFrom('fin', 'rst')
const CODES = [
  ...[120, 125, 150, 200, 202, 211, 213, 220, 221, 225, 226, 227, 229, 230, 234, 250, 257, 331, 332, 350],
  ...[421, 425, 426, 450, 451, 452, 500, 501, 502, 503, 504, 522, 530, 532, 534, 550, 551, 552, 553],
]
const TRANSFERS = ['RETR', 'STOR', 'APPE', 'MLSD', 'LIST']
const OF_ALL = ['USER', 'PASS', 'FEAT', 'OPTS', 'SYST', 'TYPE', 'EPSV', 'PASV', 'NOOP']
const OF_TLS = ['AUTH', 'PBSZ', 'PROT']
const OF_ONE: Readonly<Record<Scenario['operation'], readonly string[]>> = {
  download: ['SIZE', 'MDTM', 'REST', 'RETR'],
  upload: ['SIZE', 'REST', 'STOR', 'APPE', 'MFMT', 'DELE', 'RNFR', 'RNTO'],
  list: ['PWD', 'CWD', 'MLSD', 'LIST'],
}

function wrong(verb: string): fc.Arbitrary<Reaction> {
  const isTransfer = TRANSFERS.includes(verb)
  return fc
    .record({ is: fc.constant('wrong' as const), code: fc.constantFrom(...CODES), isDone: fc.boolean() })
    .filter(({ code, isDone }) => code < 200 || code >= 300 || (isDone && !isTransfer))
}

function reaction(verb: string): fc.Arbitrary<Reaction> {
  const simple = fc.constantFrom<Reaction>({ is: 'split' }, { is: 'garbage' }, { is: 'twice' })
  const cut = fc.record({
    is: fc.constant('cut' as const),
    by: ending,
    when: fc.constantFrom('before', 'within', 'behind'),
  })
  return fc.oneof(
    { weight: 8, arbitrary: fc.constant<Reaction>({ is: 'right' }) },
    { weight: 2, arbitrary: fc.record({ is: fc.constant('late' as const), ms: late }) },
    { weight: 6, arbitrary: wrong(verb) },
    { weight: 4, arbitrary: simple },
    { weight: 4, arbitrary: cut },
    { weight: 1, arbitrary: fc.constant<Reaction>({ is: 'silence' }) },
  )
}

function reactions(verbs: readonly string[]): fc.Arbitrary<ServerPlan['verbs']> {
  const one = fc
    .constantFrom(...verbs)
    .chain((verb) => fc.tuple(fc.constant(verb), fc.array(reaction(verb), { minLength: 1, maxLength: 4 })))
  return fc.array(one, { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs))
}

const behind = fc.oneof(fc.constantFrom(0, 500, 999, 1_000), fc.nat({ max: 1_000 }))

const transfer: fc.Arbitrary<TransferPlan> = fc.record({
  begins: fc.oneof(
    { weight: 5, arbitrary: fc.constant('150' as const) },
    { weight: 2, arbitrary: fc.constantFrom('125', 'twice', 'behind') },
    { weight: 1, arbitrary: fc.constant('none' as const) },
  ),
  piece: fc.constantFrom(65_536, 16_384, 1_000),
  pauseMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: late }),
  data: fc.oneof(
    { weight: 5, arbitrary: fc.constant({ is: 'whole' as const }) },
    { weight: 4, arbitrary: fc.record({ is: fc.constant('cut' as const), by: ending, behind }) },
    { weight: 1, arbitrary: fc.record({ is: fc.constant('stall' as const), behind }) },
  ),
  ends: fc.oneof(
    { weight: 6, arbitrary: fc.constant('proper' as const) },
    { weight: 4, arbitrary: fc.constantFrom('before', 'early') },
    { weight: 1, arbitrary: fc.constant('never' as const) },
  ),
  endsMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: late }),
  failure: fc.constantFrom(426, 450, 451, 550, 226),
})

const greeting = fc.constantFrom(
  '220 Ready',
  '220-Many\r\nwords\r\n220 Ready',
  '120 In a minute\r\n220 Ready',
  '421 Too many connections',
  'SSH-2.0-OpenSSH_9.2',
  '220 Ready\r\n220 Ready',
  null,
)

const plan = (verbs: readonly string[]): fc.Arbitrary<ServerPlan> =>
  fc.record({
    greetings: fc.oneof(
      { weight: 6, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(greeting, { minLength: 1, maxLength: 3 }) },
    ),
    verbs: reactions(verbs),
    transfers: fc.array(transfer, { maxLength: 5 }),
    rest: fc.oneof(
      { weight: 6, arbitrary: fc.constant('right' as const) },
      { weight: 1, arbitrary: fc.constantFrom('ignored', 'off by one') },
    ),
    unsupported: fc
      .subarray(['SIZE', 'MDTM', 'MLST', 'EPSV', 'MFMT'])
      .map((unknown) => (unknown.length > 2 ? [] : unknown)),
  })

/** Whether the server tells the size of a file wherever it is asked, so that it may say 226 of half a file. */
function tellsSizes({ verbs, unsupported }: ServerPlan): boolean {
  const told = verbs['SIZE']?.every(({ is }) => is === 'right' || is === 'late' || is === 'split') ?? true
  const isInStep = Object.values(verbs)
    .flat()
    .every(({ is }) => is !== 'twice')
  return told && isInStep && !unsupported.includes('SIZE')
}

/**
 * A listing that ends in order before a 226 is whole for all that anybody can know, and so is a file without a size.
 * A reset is seen.
 */
function withoutLies(scenario: Scenario): Scenario {
  const { server, operation } = scenario
  if (operation !== 'list' && tellsSizes(server)) return scenario
  const transfers = server.transfers.map((one) => {
    const isSeen = operation === 'list' && one.data.is === 'cut' && one.data.by === 'rst'
    return one.failure === 226 && !isSeen ? { ...one, failure: 426 as const } : one
  })
  return {
    ...scenario,
    server: { ...server, transfers, rest: operation === 'upload' ? 'right' : server.rest },
  }
}

const operation = fc.oneof(
  { weight: 3, arbitrary: fc.constant('download' as const) },
  { weight: 2, arbitrary: fc.constant('upload' as const) },
  { weight: 1, arbitrary: fc.constant('list' as const) },
)
const security = fc.oneof(
  { weight: 5, arbitrary: fc.constant('none' as const) },
  { weight: 1, arbitrary: fc.constant('explicit' as const) },
)

export const scenario: fc.Arbitrary<Scenario> = fc
  .tuple(operation, security)
  .chain(([what, how]) =>
    fc.record({
      operation: fc.constant(what),
      security: fc.constant(how),
      bytes: fc.oneof(fc.constantFrom(0, 1, 4_096), fc.nat({ max: 300_000 })),
      connections: fc.integer({ min: 1, max: 4 }),
      upload: fc.constantFrom('plain', 'atomic', 'stream', 'resume', 'over an older one'),
      abortAfterMs: fc.oneof(
        { weight: 6, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 60 }) },
      ),
      server: plan([...OF_ALL, ...OF_ONE[what], ...(how === 'none' ? [] : OF_TLS)]),
    }),
  )
  // As it would be read from a case.
  .map((one) => withoutLies(JSON.parse(JSON.stringify(one)) as Scenario))

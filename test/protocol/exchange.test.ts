import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { classifyReply, initialTransferState, stepTransfer } from '../../src/protocol/exchange.ts'
import { transferAwaits, transferEvent } from '../../src/protocol/exchange.ts'
import type { TransferEvent, TransferOutcome, TransferState } from '../../src/protocol/exchange.ts'
import { reply } from './support.ts'

describe('classifyReply', () => {
  it.each([
    ['', 'wait done unexpected fail fail'],
    ['USER', 'wait done next fail fail'],
    ['pass', 'wait done next fail fail'],
    ['ACCT', 'wait done unexpected fail fail'],
    ['REST', 'wait unexpected next fail fail'],
    ['RNFR', 'wait unexpected next fail fail'],
    ['RNTO', 'wait done unexpected fail fail'],
    ['RETR', 'wait done unexpected fail fail'],
    ['MLSD', 'wait done unexpected fail fail'],
    ['EPSV', 'wait done unexpected fail fail'],
    ['XYZZY', 'wait done next fail fail'],
    ['constructor', 'wait done next fail fail'],
  ])('%s: %s', (verb, outcomes) => {
    const classes = [150, 226, 350, 425, 550]
    expect(classes.map((code) => classifyReply(verb, reply(code, ''))).join(' ')).toBe(outcomes)
  })
})

const EVENTS: readonly TransferEvent[] = [
  'preliminary',
  'completion',
  'failure',
  'data-begin',
  'data-end',
  'data-lost',
  'cut',
  'control-lost',
]

function run(events: readonly TransferEvent[]): TransferState {
  return events.reduce(stepTransfer, initialTransferState)
}

describe('the transfer join', () => {
  it.each<[string, TransferOutcome | undefined, string]>([
    ['an ordinary transfer', 'complete', 'preliminary data-begin data-end completion'],
    ['226 overtakes the last data', 'complete', 'preliminary data-begin completion data-end'],
    ['226 overtakes all the data', 'complete', 'preliminary completion data-begin data-end'],
    ['data overtakes the 150', 'complete', 'data-begin data-end preliminary completion'],
    ['no 150 at all', 'complete', 'data-begin data-end completion'],
    ['an empty file', 'complete', 'preliminary data-end completion'],
    ['a second 150 means nothing', undefined, 'preliminary preliminary data-begin data-end'],
    ['and does not end it', 'complete', 'preliminary preliminary data-begin data-end completion'],
    ['226 without the data', undefined, 'preliminary completion'],
    ['the data without a 226', undefined, 'preliminary data-begin data-end'],
    ['550', 'refused', 'failure'],
    ['425 after 150', 'refused', 'preliminary failure'],
    ['426 amid the data', 'failed', 'preliminary data-begin failure'],
    ['451 after the data', 'failed', 'preliminary data-end failure'],
    ['a lost connection waits for its reply', undefined, 'preliminary data-begin data-lost'],
    ['a lost connection and 426', 'failed', 'preliminary data-begin data-lost failure'],
    ['a lost connection and 226 all the same', 'failed', 'preliminary data-begin data-lost completion'],
    ['226, then a reset', 'failed', 'preliminary data-begin completion data-lost'],
    ['a reset behind the end of file', 'complete', 'preliminary data-end data-lost completion'],
    ['no connection, 150, 425', 'failed', 'data-lost preliminary failure'],
    ['cut, 426', 'cut', 'preliminary data-begin cut failure'],
    ['cut, 226', 'cut', 'preliminary data-begin cut completion'],
    ['cut, a second 150 (Pure-FTPd)', 'cut', 'preliminary data-begin cut preliminary'],
    ['cut before the 150', undefined, 'data-begin cut preliminary'],
    ['cut before the 150, 426', 'cut', 'data-begin cut preliminary failure'],
    ['cut before the 150, a second 150', 'cut', 'data-begin cut preliminary preliminary'],
    ['cut after 226', 'cut', 'preliminary data-begin completion cut'],
    ['a cut behind the end of file is none', 'complete', 'preliminary data-end cut completion'],
    ['our own reset, reported as a loss', undefined, 'preliminary data-begin cut data-lost data-end'],
    ['no control connection', 'control-lost', 'preliminary data-begin control-lost'],
    ['nor behind a cut', 'control-lost', 'preliminary cut control-lost'],
  ])('%s: %s', (_name, outcome, events) => {
    expect(run(events.split(' ') as TransferEvent[]).outcome).toBe(outcome)
  })

  it('every interleaving of five events ends as the rules say, or waits for what they say', () => {
    for (const events of sequences(5)) {
      const state = run(events)
      expect([events, state.outcome, transferAwaits(state)]).toEqual([events, ...ruling(events)])
    }
  })

  it('an outcome is for ever', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...EVENTS)),
        fc.array(fc.constantFrom(...EVENTS)),
        (before, after) => {
          const state = run(before)
          fc.pre(state.outcome !== undefined)
          expect(after.reduce(stepTransfer, state)).toBe(state)
        },
      ),
    )
  })

  it('the order of data end and last reply does not matter', () => {
    const data: TransferEvent[] = ['data-begin', 'data-end']
    const replies: TransferEvent[] = ['preliminary', 'completion']
    for (const order of merges(data, replies))
      expect([order, run(order).outcome]).toEqual([order, 'complete'])
  })

  it('takes replies by their class', () => {
    const events = [150, 226, 350, 426, 550].map((code) => transferEvent(reply(code, '')))
    expect(events).toEqual(['preliminary', 'completion', 'failure', 'failure', 'failure'])
  })
})

/** The rules once more, over the whole history at once: which event would have ended it, and how. */
function ruling(events: readonly TransferEvent[]): [TransferOutcome | undefined, string] {
  for (let length = 1; length <= events.length; length++) {
    const outcome = outcomeAt(events.slice(0, length))
    if (outcome !== undefined) return [outcome, 'nothing']
  }
  const dataOver = firstDataEnd(events) >= 0
  if (events.includes('completion')) return [undefined, 'data']
  return [undefined, dataOver ? 'reply' : 'both']
}

function firstDataEnd(events: readonly TransferEvent[]): number {
  return events.findIndex((event) => event === 'data-end' || event === 'data-lost' || event === 'cut')
}

function outcomeAt(events: readonly TransferEvent[]): TransferOutcome | undefined {
  const last = events.at(-1)
  if (last === 'control-lost') return 'control-lost'
  const dataEnd = events[firstDataEnd(events)]
  const broken = dataEnd === 'cut' || dataEnd === 'data-lost'
  const early = events.slice(0, -1)
  const secondPreliminary = last === 'preliminary' && broken && early.includes('preliminary')
  const replied = events.includes('completion') || last === 'failure' || secondPreliminary
  if (replied && broken) return dataEnd === 'cut' ? 'cut' : 'failed'
  if (events.includes('completion')) return dataEnd === 'data-end' ? 'complete' : undefined
  if (last !== 'failure') return undefined
  return events.includes('data-begin') || dataEnd !== undefined ? 'failed' : 'refused'
}

function* sequences(length: number): Generator<TransferEvent[], void, void> {
  if (length === 0) return yield []
  for (const rest of sequences(length - 1)) for (const event of EVENTS) yield [...rest, event]
}

function* merges(a: TransferEvent[], b: TransferEvent[]): Generator<TransferEvent[], void, void> {
  const [firstA, ...restA] = a
  const [firstB, ...restB] = b
  if (firstA === undefined || firstB === undefined) return yield [...a, ...b]
  for (const rest of merges(restA, b)) yield [firstA, ...rest]
  for (const rest of merges(a, restB)) yield [firstB, ...rest]
}

import { describe, expect, test } from 'vitest'
import { FtpTransferError } from '../../src/errors.ts'
import type { TreeEntry } from '../../src/local/tree-entry.ts'
import type { Action } from '../../src/mirror/action.ts'
import { diff, type DiffContext } from '../../src/mirror/diff.ts'
import type { MirrorOptions } from '../../src/mirror/mirror-options.ts'
import { contextOf, directory, file, link, NOON, other } from './entries.ts'

type Facts = Parameters<typeof contextOf>[1]

/** An action in a line: `transfer a missing`, `delete b/ first`, `refuse c ERR_FTP_UNSAFE_PATH`. */
function told(action: Action): string {
  const { type, path } = action
  switch (type) {
    case 'transfer':
      return `${type} ${path} ${action.reason}${action.replaces === undefined ? '' : ` over ${action.replaces.name}`}`
    case 'link':
      return `${type} ${path} to ${action.target}`
    case 'equal':
      return `${type} ${path} ${action.rule}`
    case 'delete':
      return `${type} ${path}${action.isTree ? '/' : ''}${action.first ? ' first' : ''}`
    case 'skip':
      return `${type} ${path} ${action.reason}`
    case 'refuse':
      return `${type} ${path} ${action.error.code}`
    case 'make-directory':
    case 'compare-checksum':
      return `${type} ${path}`
    default:
      return type satisfies never
  }
}

function plan(
  source: readonly TreeEntry[],
  target: readonly TreeEntry[] | undefined,
  options: MirrorOptions = {},
  facts: Facts = {},
): string[] {
  return diff(source, target, contextOf(options, facts)).actions.map(told)
}

function refusal(
  source: readonly TreeEntry[],
  target: readonly TreeEntry[],
  context: DiffContext,
): FtpTransferError {
  const action = diff(source, target, context).actions.at(-1)
  if (action?.type !== 'refuse') throw new Error(`The last action is ${action?.type ?? 'none'}`)
  if (!(action.error instanceof FtpTransferError)) throw action.error
  return action.error
}

describe('what the target has not', () => {
  const source = [file('a'), directory('d'), file('empty', { size: 0 })]

  test.each([[undefined], [[]]])('is transferred or made, with the target %o', (target) => {
    expect(plan(source, target)).toEqual(['transfer a missing', 'make-directory d', 'transfer empty missing'])
    expect(diff(source, target, contextOf()).descend).toEqual([{ name: 'd', target: 'missing' }])
  })

  test('has its path from the root, and what the source tells of it', () => {
    const { actions } = diff([file('a')], undefined, contextOf({}, { path: 'x/y' }))
    const facts = { size: 10, modifiedMs: NOON, precision: 'second' }
    expect(actions).toEqual([
      { type: 'transfer', path: 'x/y/a', ...facts, reason: 'missing', replaces: undefined },
    ])
  })
})

describe('what is there', () => {
  test('directories are gone on with', () => {
    const { actions, descend } = diff([directory('d')], [directory('d')], contextOf())
    expect(actions.map(told)).toEqual(['equal d directory'])
    expect(descend).toEqual([{ name: 'd', target: 'there' }])
  })

  const time = (modifiedMs: number): Partial<TreeEntry> => ({ modifiedMs })
  const timeless = { modifiedMs: undefined, precision: undefined }
  const sizeless = { size: undefined }
  const late = time(NOON + 3_600_000)

  test.each<[string, Partial<TreeEntry>, Partial<TreeEntry>, MirrorOptions, Facts, string]>([
    ['size and time', {}, time(NOON + 2_000), {}, {}, 'equal a size+modified'],
    ['another size', {}, { size: 11 }, {}, {}, 'transfer a size over a'],
    ['an older target', {}, time(NOON - 9_000), {}, {}, 'transfer a modified over a'],
    ['a newer target', {}, late, {}, {}, 'transfer a modified over a'],
    ['a newer target that cannot keep times', {}, late, {}, { keepsTimes: false }, 'equal a not older'],
    ['an older one', late, {}, {}, { keepsTimes: false }, 'transfer a modified over a'],
    ['the same time there', {}, {}, {}, { keepsTimes: false }, 'equal a size+modified'],
    [
      'a newer one of another size',
      {},
      { ...late, size: 1 },
      {},
      { keepsTimes: false },
      'transfer a size over a',
    ],
    ['no time of the target', {}, timeless, {}, {}, 'equal a size'],
    ['no time of the source', timeless, {}, {}, {}, 'equal a size'],
    ['no size of the target', {}, sizeless, {}, {}, 'equal a modified'],
    ['no size of the source, and another time', sizeless, late, {}, {}, 'transfer a modified over a'],
    ['no size and no time', sizeless, timeless, {}, {}, 'transfer a unknown over a'],
    ['the size alone', {}, late, { compare: 'size' }, {}, 'equal a size'],
    ['another size alone', {}, { size: 0 }, { compare: 'size' }, {}, 'transfer a size over a'],
    [
      'no size where that is asked',
      {},
      { ...sizeless, ...late },
      { compare: 'size' },
      {},
      'transfer a modified over a',
    ],
    ['checksums', {}, late, { compare: 'checksum' }, {}, 'compare-checksum a'],
    ['checksums without a size', {}, sizeless, { compare: 'checksum' }, {}, 'compare-checksum a'],
    ['checksums of two sizes', {}, { size: 3 }, { compare: 'checksum' }, {}, 'transfer a size over a'],
    ['never equal', {}, {}, { compare: 'always' }, {}, 'transfer a always over a'],
  ])('by %s', (_, ofSource, ofTarget, options, facts, expected) => {
    expect(plan([file('a', ofSource)], [file('a', ofTarget)], options, facts)).toEqual([expected])
  })

  test('overwrite says what becomes of a file that differs, and nothing of one that is equal', () => {
    const source = [file('same'), file('a', { size: 1 })]
    const target = [file('same'), file('a')]
    const equal = 'equal same size+modified'
    expect(plan(source, target, { overwrite: 'skip' })).toEqual([equal, 'skip a exists'])
    expect(plan(source, target, { overwrite: 'error' })).toEqual([equal, 'refuse a ERR_FTP_LOCAL_FILE'])
    const up = { direction: 'up' } as const
    expect(plan(source, target, { overwrite: 'error' }, up)).toEqual([equal, 'refuse a ERR_FTP_EXISTS'])
    const error = refusal(source, target, contextOf({ overwrite: 'error' }, { path: 'x' }))
    expect(error).toBeInstanceOf(FtpTransferError)
    expect(error.path).toBe('x/a')
    expect(error.message).toBe(
      'Cannot write "x/a": a file exists, and option "overwrite" says not to replace it',
    )
  })

  test('newerThan leaves out what was last changed at that time or before, which is not deleted', () => {
    const options = { newerThan: new Date(NOON), delete: true }
    const source = [
      file('at', { modifiedMs: NOON }),
      file('after', { modifiedMs: NOON + 1 }),
      file('in the minute', { modifiedMs: NOON, precision: 'minute' }),
      file('unknown', { modifiedMs: undefined, precision: undefined }),
      directory('d'),
    ]
    expect(plan(source, [file('at', { size: 1 })], options)).toEqual([
      'skip at older',
      'transfer after missing',
      'transfer in the minute missing',
      'transfer unknown missing',
      'make-directory d',
    ])
  })
})

describe('another type there', () => {
  test.each<[string, TreeEntry, TreeEntry, string[]]>([
    ['a directory for a file', file('a'), directory('a'), ['delete a/ first', 'transfer a type']],
    ['a file for a directory', directory('a'), file('a'), ['delete a first', 'make-directory a']],
    ['a link for a directory', directory('a'), link('a', 'b'), ['delete a first', 'make-directory a']],
    ['a directory for a link', link('a', 'b'), directory('a'), ['delete a/ first', 'link a to b']],
  ])('%s: goes first with delete, and stays without', (_, source, target, expected) => {
    const options = { symlinks: 'recreate' } as const
    expect(plan([source], [target], { ...options, delete: true })).toEqual(expected)
    expect(plan([source], [target], options)).toEqual(['refuse a ERR_FTP_LOCAL_FILE'])
    expect(diff([source], [target], contextOf(options)).descend).toEqual([])
    const up = { direction: 'up' } as const
    // Of a link FTP can make none, whatever stands there.
    const code = source.type === 'symlink' ? 'ERR_FTP_LOCAL_FILE' : 'ERR_FTP_EXISTS'
    expect(plan([source], [target], options, up)).toEqual([`refuse a ${code}`])
    expect(plan([source], [target], { ...options, delete: true, overwrite: 'skip' })).toEqual([
      'skip a exists',
    ])
  })

  test('a directory that is made where something was deleted is empty', () => {
    const { descend } = diff([directory('a')], [file('a')], contextOf({ delete: true }))
    expect(descend).toEqual([{ name: 'a', target: 'missing' }])
  })

  test('a link is replaced by a file, itself', () => {
    expect(plan([file('a')], [link('a', '/etc/passwd')])).toEqual(['transfer a type over a'])
    expect(plan([file('a')], [link('a', 'b')], { overwrite: 'skip' })).toEqual(['skip a exists'])
  })

  test('what is not known is never replaced', () => {
    expect(plan([file('a')], [other('a')], { delete: true })).toEqual(['refuse a ERR_FTP_LOCAL_FILE'])
    expect(plan([directory('a')], [other('a')], { delete: true })).toEqual(['refuse a ERR_FTP_LOCAL_FILE'])
  })

  test('what is excluded does not go for it, unless deleteExcluded', () => {
    const options = { delete: true, exclude: ['a/'] }
    expect(plan([file('a')], [directory('a')], options)).toEqual(['refuse a ERR_FTP_LOCAL_FILE'])
    const all = { ...options, deleteExcluded: true }
    expect(plan([file('a')], [directory('a')], all)).toEqual(['delete a/ first', 'transfer a type'])
  })
})

describe('links and what is no file', () => {
  test('are skipped, and what the target has of their names stays', () => {
    const source = [link('l', 'a'), other('socket')]
    const target = [file('l'), file('socket')]
    expect(plan(source, target, { delete: true })).toEqual(['skip l link', 'skip socket other'])
  })

  test("'follow' refuses those that lead nowhere", () => {
    const options = { symlinks: 'follow' } as const
    expect(plan([link('l', 'a')], [], options)).toEqual(['refuse l ERR_FTP_UNSAFE_PATH'])
    expect(plan([link('l', 'a')], [], options, { direction: 'up' })).toEqual(['refuse l ERR_FTP_LOCAL_FILE'])
  })

  test("'recreate' makes links, equal by where they lead", () => {
    const options = { symlinks: 'recreate' } as const
    const source = [
      link('new', 'x'),
      link('same', 'x'),
      link('moved', 'x'),
      link('file', 'x'),
      link('lost', undefined),
    ]
    const target = [link('same', 'x'), link('moved', 'y'), file('file')]
    const { actions } = diff(source, target, contextOf(options))
    expect(actions.map(told)).toEqual([
      'link new to x',
      'equal same link',
      'link moved to x',
      'link file to x',
      'refuse lost ERR_FTP_UNSAFE_PATH',
    ])
    expect(actions[2]).toMatchObject({ replaces: target[1] })
    expect(actions[3]).toMatchObject({ replaces: target[2] })
  })

  test("'recreate' makes none on a server, and deletes nothing for them", () => {
    const options = { symlinks: 'recreate', delete: true } as const
    const target = [directory('l'), link('same', 'x')]
    expect(plan([link('l', 'x'), link('same', 'x')], target, options, { direction: 'up' })).toEqual([
      'refuse l ERR_FTP_LOCAL_FILE',
      'equal same link',
    ])
  })

  test('what is refused beforehand is neither mirrored, entered nor deleted, unless it is left out anyway', () => {
    const error = new FtpTransferError('ERR_FTP_UNSAFE_PATH', 'a loop', { path: 'l' })
    const names = ['l', 'extra', 'left-out']
    const refused = new Map(names.map((name) => [name, error]))
    const options = { delete: true, exclude: ['left-out'] }
    const context = contextOf(options, { refused })
    const { actions, descend } = diff(
      [directory('l'), directory('left-out')],
      [file('l'), directory('extra'), directory('left-out')],
      context,
    )
    expect(actions.map(told)).toEqual([
      'refuse l ERR_FTP_UNSAFE_PATH',
      'skip left-out excluded',
      'refuse extra ERR_FTP_UNSAFE_PATH',
    ])
    expect(descend).toEqual([])
  })
})

describe('delete', () => {
  const target = [file('a'), file('extra'), directory('tree'), link('l', 'x'), other('device')]

  test('nothing without it', () => {
    expect(plan([file('a')], target)).toEqual(['equal a size+modified'])
  })

  test('what is extra, last, but for what is not known', () => {
    expect(plan([file('a'), file('b')], target, { delete: true })).toEqual([
      'equal a size+modified',
      'transfer b missing',
      'delete extra',
      'delete tree/',
      'delete l',
      'skip device other',
    ])
    const { actions } = diff([], target, contextOf({ delete: true }, { path: 'x' }))
    const entry = target[1]
    expect(actions[1]).toEqual({ type: 'delete', path: 'x/extra', entry, first: false, isTree: false })
  })

  test('what is excluded stays, unless deleteExcluded, on whichever side it is', () => {
    const source = [file('both.tmp'), file('a.tmp')]
    const there = [file('both.tmp'), file('there.tmp'), file('extra')]
    const options = { delete: true, exclude: ['*.tmp'] }
    const skipped = ['skip both.tmp excluded', 'skip a.tmp excluded']
    expect(plan(source, there, options)).toEqual([...skipped, 'skip there.tmp excluded', 'delete extra'])
    expect(plan(source, there, { ...options, deleteExcluded: true })).toEqual([
      ...skipped,
      'delete both.tmp',
      'delete there.tmp',
      'delete extra',
    ])
  })

  test('what is not included stays', () => {
    const options = { delete: true, include: ['*.txt'] }
    expect(plan([], [file('a.txt'), file('a.bin'), directory('d')], options)).toEqual([
      'delete a.txt',
      'skip a.bin excluded',
      'delete d/',
    ])
  })

  test('a name whose source is excluded as a directory stays as a file, too', () => {
    expect(plan([directory('a')], [file('a')], { delete: true, exclude: ['a/'] })).toEqual([
      'skip a excluded',
    ])
  })
})

describe('maxDepth', () => {
  test('directories beyond it are neither entered nor deleted, nor replaced', () => {
    const options = { maxDepth: 1, delete: true }
    const source = [directory('d'), file('a'), file('b')]
    const target = [directory('extra'), file('old'), directory('b')]
    const deep = { path: 'x' }
    expect(plan(source, target, options, deep)).toEqual([
      'skip x/d depth',
      'transfer x/a missing',
      'refuse x/b ERR_FTP_LOCAL_FILE',
      'skip x/extra depth',
      'delete x/old',
    ])
    expect(diff(source, target, contextOf(options, deep)).descend).toEqual([])
  })

  test('above it they are, and 0 is the root alone', () => {
    expect(plan([directory('d')], [], { maxDepth: 1 })).toEqual(['make-directory d'])
    expect(plan([directory('d')], [], { maxDepth: 0 })).toEqual(['skip d depth'])
    expect(plan([directory('d')], [], { maxDepth: 2 }, { path: 'x/y' })).toEqual(['skip x/y/d depth'])
  })
})

describe('names', () => {
  test.each([
    ['a.octoftp-part'],
    ['a.octoftp-journal'],
    ['a.octoftp-lock'],
    ['a.octoftp-mode'],
    ['a.octoftp-0123abcd'],
    [`${'0f'.repeat(32)}.octoftp-part`],
  ])('%s is nowhere, on either side', (name) => {
    expect(plan([file(name)], [file(name)])).toEqual([])
    expect(plan([], [file(name)], { delete: true, deleteExcluded: true })).toEqual([])
  })

  test.each([['octoftp-part'], ['a.octoftp-part.txt'], ['a.octoftp-parts']])('%s is as any other', (name) => {
    expect(plan([file(name)], [])).toEqual([`transfer ${name} missing`])
  })

  test('one that is told twice is transferred once', () => {
    const twice = [file('a'), file('a', { size: 11 }), directory('a')]
    const planned = diff(twice, [], contextOf())
    expect(planned.actions.map(told)).toEqual(['transfer a missing', 'skip a duplicate', 'skip a duplicate'])
    expect(planned.descend).toEqual([])
    expect(plan([], [file('a'), file('a')], { delete: true })).toEqual(['delete a'])
  })

  test.each([[''], ['.'], ['..'], ['../a'], ['a/b']])(
    '"%s" is none: neither transferred nor deleted',
    (name) => {
      expect(plan([file(name)], [])).toEqual([`refuse ${name} ERR_FTP_UNSAFE_PATH`])
      expect(plan([], [file(name)], { delete: true })).toEqual([`refuse ${name} ERR_FTP_UNSAFE_PATH`])
    },
  )

  test('those of objects are as any other', () => {
    const names = ['__proto__', 'constructor', 'toString'].map((name) => file(name))
    expect(plan(names, []).every((line) => line.endsWith(' missing'))).toBe(true)
    expect(plan(names, names).every((line) => line.endsWith(' size+modified'))).toBe(true)
  })

  test('differ in case, unless the target ignores it', () => {
    const source = [file('Read me'), file('READ ME'), file('caf\u00e9'), file('cafe\u0301')]
    expect(plan(source, [])).toEqual(source.map(({ name }) => `transfer ${name} missing`))
    const ignoring = { path: 'x', isCaseInsensitive: true }
    expect(plan(source, [], {}, ignoring)).toEqual([
      'transfer x/Read me missing',
      'refuse x/READ ME ERR_FTP_UNSAFE_PATH',
      'transfer x/caf\u00e9 missing',
      'refuse x/cafe\u0301 ERR_FTP_UNSAFE_PATH',
    ])
    const { message } = refusal(source.slice(0, 2), [], contextOf({}, ignoring))
    expect(message).toContain('"x/READ ME" and "x/Read me" are one name')
  })

  test('are matched without their case there, and deleted as the target writes them', () => {
    const ignoring = { isCaseInsensitive: true }
    const options = { delete: true, exclude: ['no'] }
    const source = [file('a'), file('B'), file('no')]
    const target = [file('A'), directory('b'), file('NO')]
    const expected = ['equal a size+modified', 'delete b/ first', 'transfer B type', 'skip no excluded']
    expect(plan(source, target, options, ignoring)).toEqual(expected)
  })

  test('an excluded name takes none from another', () => {
    const ignoring = { isCaseInsensitive: true }
    expect(plan([file('a'), file('A')], [], { exclude: ['a'] }, ignoring)).toEqual([
      'skip a excluded',
      'transfer A missing',
    ])
  })
})

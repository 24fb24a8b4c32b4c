import { expect, it } from 'vitest'
import { NO_FEATURES, parseFeatures } from '../../src/protocol/features.ts'
import { reply } from './support.ts'

it('reads names and values', () => {
  const features = parseFeatures(
    reply(
      211,
      'Features:',
      ' MDTM',
      ' rest STREAM',
      '  MLST type*;size*; ',
      ' AUTH TLS',
      ' AUTH SSL',
      ' End',
    ),
  )
  expect(features.listed).toBe(true)
  expect(features.names).toEqual(['MDTM', 'REST', 'MLST', 'AUTH'])
  expect(features.value('Rest')).toBe('STREAM')
  expect(features.value('MDTM')).toBe('')
  expect(features.value('mlst')).toBe('type*;size*;')
  expect(features.value('AUTH')).toBe('TLS SSL')
  expect(features.value('HASH')).toBeUndefined()
  expect([features.has('auth'), features.has('HASH'), features.has('End')]).toEqual([true, false, false])
})

it('takes the code for a blank, and other lines for text', () => {
  const features = parseFeatures(reply(211, 'Features:', '211-SIZE', 'as follows', '', ' ', '\tUTF8', 'End'))
  expect(features.names).toEqual(['SIZE', 'UTF8'])
})

it('knows a server without features from one that did not say', () => {
  expect(parseFeatures(reply(211, 'No features')).listed).toBe(true)
  expect(parseFeatures(reply(211, 'No features')).names).toEqual([])
  for (const none of [undefined, reply(500, 'What?'), reply(200, 'a', ' SIZE', 'b')]) {
    expect(parseFeatures(none)).toBe(NO_FEATURES)
  }
  expect([NO_FEATURES.listed, NO_FEATURES.has('SIZE')]).toEqual([false, false])
})

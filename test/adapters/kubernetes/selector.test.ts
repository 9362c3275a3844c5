import { describe, expect, test } from 'vitest'
import type { Selector } from '../../../src/adapters/kubernetes/objects.ts'
import { matches, selectorText } from '../../../src/adapters/kubernetes/selector.ts'
import { selects } from '../../support/kubernetes/selector.ts'

describe('a selector', () => {
  test.each<[Selector, string, readonly Record<string, string>[], readonly Record<string, string>[]]>([
    [{}, '', [{}, { a: '1' }], []],
    [
      { matchLabels: { a: '1', b: '2' } },
      'a=1,b=2',
      [{ a: '1', b: '2', c: '3' }],
      [{ a: '1' }, { a: '2', b: '2' }],
    ],
    [
      { matchExpressions: [{ key: 'a', operator: 'In', values: ['1', '2'] }] },
      'a in (1,2)',
      [{ a: '1' }, { a: '2' }],
      [{ a: '3' }, {}],
    ],
    [
      { matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['1', '2'] }] },
      'a notin (1,2)',
      [{ a: '3' }, {}],
      [{ a: '1' }],
    ],
    [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }, 'a', [{ a: '' }], [{ b: '1' }]],
    [{ matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, '!a', [{ b: '1' }], [{ a: '' }]],
    [
      { matchLabels: { a: '1' }, matchExpressions: [{ key: 'b', operator: 'In', values: ['2', '3'] }] },
      'a=1,b in (2,3)',
      [{ a: '1', b: '3' }],
      [{ a: '1' }, { b: '3' }],
    ],
  ])('%j is "%s" for the server, and means the same', (selector, text, yes, no) => {
    expect(selectorText(selector)).toBe(text)
    for (const labels of yes)
      expect([labels, matches(selector, labels), selects(text, labels)]).toEqual([labels, true, true])
    for (const labels of no)
      expect([labels, matches(selector, labels), selects(text, labels)]).toEqual([labels, false, false])
  })
})

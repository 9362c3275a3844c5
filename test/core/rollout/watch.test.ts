import { expect, test } from 'vitest'
import { type Sight, type Watch, watching } from '../../../src/core/rollout/watch.ts'

const after = (...sights: readonly Sight[]): Watch | undefined =>
  sights.reduce<Watch | undefined>((watch, sight) => watching(watch, sight), undefined)
const at = (nowMs: number, isBlind = false, movedAtMs = 0): Sight => ({ nowMs, movedAtMs, isBlind })

test('it begins with the first look, whatever was before', () => {
  expect(after(at(500), at(900))).toEqual({ sinceMs: 500 })
})

test('while the fleet cannot be read it stays as it was, so that this does not last for ever', () => {
  expect(after(at(500), at(600, true), at(900, true))).toEqual({ sinceMs: 500, blindFromMs: 600 })
})

test('what stood still before that goes on counting behind it', () => {
  expect(after(at(500), at(600, true), at(900, true), at(1_000))).toEqual({ sinceMs: 900 })
  expect(after(at(500), at(600, true), at(1_000), at(1_100, true), at(1_300))).toEqual({ sinceMs: 1_100 })
})

test('what moved before that counts from there', () => {
  expect(after(at(500), at(800, true, 700), at(1_000, false, 700))).toEqual({ sinceMs: 900 })
})

test('and nothing lies ahead, where somebody asked for something meanwhile', () => {
  expect(after(at(500), at(600, true), at(1_000, false, 950))).toEqual({ sinceMs: 1_000 })
})

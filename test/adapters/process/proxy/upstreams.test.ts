import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PROXY_LIMITS } from '../../../../src/adapters/process/proxy/limits.ts'
import {
  createUpstreams,
  type Lease,
  type Upstreams,
} from '../../../../src/adapters/process/proxy/upstreams.ts'

const NONE = new Set<never>()

/** What must hold, kept in the plainest way: who is admitted, and which requests are under way to whom. */
interface Model {
  readonly admitted: Set<string>
  readonly leases: { readonly id: string; readonly lease: Lease }[]
}

type Step = (model: Model, real: Upstreams) => void

const id = fc.constantFrom('a', 'b', 'c', 'd')
const portOf = (name: string): number => 20_000 + name.charCodeAt(0)

const underWay = ({ leases }: Model, name: string): number => leases.filter((each) => each.id === name).length

const step: fc.Arbitrary<Step> = fc.oneof(
  id.map(
    (name): Step =>
      ({ admitted }, real) => {
        admitted.add(name)
        real.admit({ id: name, port: portOf(name) })
      },
  ),
  id.map(
    (name): Step =>
      ({ admitted }, real) => {
        admitted.delete(name)
        real.drain(name)
      },
  ),
  fc.constant<Step>((model, real) => {
    const chosen = real.choose(NONE)
    if (model.admitted.size === 0) {
      expect(chosen).toBeUndefined()
      return
    }
    const least = Math.min(...[...model.admitted].map((name) => underWay(model, name)))
    expect(model.admitted.has(chosen?.id ?? '')).toBe(true)
    expect(underWay(model, chosen?.id ?? '')).toBe(least)
    if (chosen !== undefined) model.leases.push({ id: chosen.id, lease: chosen.lease() })
  }),
  fc.nat(20).map(
    (at): Step =>
      ({ leases }) => {
        const [ended] = leases.splice(at % Math.max(1, leases.length), 1)
        ended?.lease.end()
        // What has ended does not end again.
        ended?.lease.end()
      },
  ),
)

describe('upstreams', () => {
  test('give each request to one that is admitted and has the fewest, whatever happened before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const real = createUpstreams(PROXY_LIMITS)
        const model: Model = { admitted: new Set(), leases: [] }
        for (const each of steps) {
          each(model, real)
          for (const name of ['a', 'b', 'c', 'd']) expect(real.inFlight(name)).toBe(underWay(model, name))
          expect(real.underWay).toBe(model.leases.length)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('that were tried are passed over, and those that are equal take turns', () => {
    const real = createUpstreams(PROXY_LIMITS)
    for (const name of ['a', 'b', 'c']) real.admit({ id: name, port: portOf(name) })
    const turns = Array.from({ length: 6 }, () => real.choose(NONE)?.id)
    expect(turns).toEqual(['a', 'b', 'c', 'a', 'b', 'c'])
    const tried = new Set([real.choose(NONE), real.choose(NONE)].filter((each) => each !== undefined))
    expect(real.choose(tried)?.id).toBe('c')
    const last = real.choose(tried)
    if (last !== undefined) tried.add(last)
    expect(real.choose(tried)).toBeUndefined()
  })

  test('that are gone are counted with what is still under way, but by no name', () => {
    const real = createUpstreams(PROXY_LIMITS)
    real.admit({ id: 'a', port: 1 })
    const lease = real.choose(NONE)?.lease()
    real.drop('a')
    expect([real.inFlight('a'), real.underWay]).toEqual([0, 1])
    // It was started again, on another port: what was under way to the former one is none of its.
    real.admit({ id: 'a', port: 2 })
    expect(real.inFlight('a')).toBe(0)
    lease?.end()
    expect(real.underWay).toBe(0)
  })

  test('cut what was upgraded, once, and nothing that has ended', () => {
    const real = createUpstreams(PROXY_LIMITS)
    real.admit({ id: 'a', port: 1 })
    const cuts: string[] = []
    const [ended, open] = [real.choose(NONE)?.lease(), real.choose(NONE)?.lease()]
    ended?.upgraded(() => cuts.push('ended'))
    open?.upgraded(() => cuts.push('open'))
    ended?.end()
    real.cut('a')
    real.cut('nobody')
    expect(cuts).toEqual(['open'])
  })
})

import type { Deployer } from '../../src/engine/ports.ts'

/** The process of a driver has ended. Nothing in the engine knows how to treat that. */
export class Killed extends Error {}

/** Does the driver die in front of this effect, or behind it? */
export type Kills = (effect: string) => 'no' | 'before' | 'after'

export type EffectOf = <R>(name: string, work: () => R | Promise<R>) => Promise<R>

/** What a driver asks of the world outside, until it is killed. */
export function mortalEffects(kills: Kills = () => 'no'): EffectOf {
  let isDead = false
  const die = (name: string): never => {
    isDead = true
    throw new Killed(name)
  }
  return async (name, work) => {
    if (isDead) throw new Killed(`${name} after the end`)
    const kill = kills(name)
    if (kill === 'before') die(name)
    const result = await work()
    if (kill === 'after') die(name)
    return result
  }
}

/** A deployer as a process reaches it that can be killed in front of a call, or behind it. */
export function mortalDeployer(deployer: Deployer, effect: EffectOf): Deployer {
  return {
    fleet: () => effect('fleet', () => deployer.fleet()),
    start: (placement) => effect(`start ${placement.id}`, () => deployer.start(placement)),
    serve: (id) => effect(`serve ${id}`, () => deployer.serve(id)),
    drain: (id) => effect(`drain ${id}`, () => deployer.drain(id)),
    stop: (id) => effect(`stop ${id}`, () => deployer.stop(id)),
    forget: (id) => effect(`forget ${id}`, () => deployer.forget(id)),
    log: (id, lines) => effect(`log ${id}`, () => deployer.log(id, lines)),
  }
}

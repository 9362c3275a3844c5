import { describe, expect, test } from 'vitest'
import type { FleetInstance, Placement } from '../../src/core/rollout/fleet.ts'
import type { Deployer } from '../../src/engine/ports.ts'

/** A deployer with nothing deployed, and what a test needs to do behind its back. */
export interface DeployerGround {
  /** The deployer as one more process opens it, which remembers nothing itself. */
  open(): Deployer | Promise<Deployer>
  /** Ends an instance without a word to the deployer. */
  kill(id: string): void | Promise<void>
  /** From now on nobody can tell what runs. */
  blind(): void | Promise<void>
  /** Roles of which there can be instances; `web` when not said. */
  readonly role?: string
}

/** What every deployer must do. An instance that it starts comes up healthy, ends when told to, and writes a line. */
export function deployerContract(name: string, ground: () => DeployerGround | Promise<DeployerGround>): void {
  describe(`${name} is a deployer`, () => {
    test('of which nothing runs at first', async () => {
      const { deployer } = await opened(ground)
      expect(await living(deployer)).toEqual([])
    })

    test('that starts an instance, which gets no work yet', async () => {
      const { deployer, place } = await opened(ground)
      await deployer.start(place(1))
      expect(await seen(deployer, place(1).id)).toMatchObject({ ...place(1), state: 'starting' })
      await healthy(deployer, place(1).id)
      expect((await seen(deployer, place(1).id))?.state).toBe('starting')
    })

    test('that starts it once, whoever asks and however often', async () => {
      const { deployer, ground: world, place } = await opened(ground)
      await deployer.start(place(1))
      await deployer.start(place(1))
      await (await world.open()).start(place(1))
      expect((await living(deployer)).map(({ id }) => id)).toEqual([place(1).id])
    })

    test('that counts passed checks in a row, and since when', async () => {
      const { deployer, place } = await opened(ground)
      await deployer.start(place(1))
      await healthy(deployer, place(1).id)
      const first = await seen(deployer, place(1).id)
      await expect
        .poll(async () => (await seen(deployer, place(1).id))?.health.healthyForMs ?? 0)
        .toBeGreaterThan(first?.health.healthyForMs ?? 0)
      const later = await seen(deployer, place(1).id)
      expect(later?.health.passes).toBeGreaterThan(first?.health.passes ?? 0)
      expect(later?.health.failures).toBe(0)
      expect(later?.inStateMs).toBeGreaterThan(first?.inStateMs ?? 0)
    })

    test('that gives work, takes it away, and ends an instance; each also when it is done already', async () => {
      const { deployer, place } = await opened(ground)
      const { id } = place(1)
      await deployer.start(place(1))
      await healthy(deployer, id)
      for (const _ of ['once', 'again']) await deployer.serve(id)
      await inState(deployer, id, 'serving')
      for (const _ of ['once', 'again']) await deployer.drain(id)
      await inState(deployer, id, 'draining', 'gone')
      for (const _ of ['once', 'again']) await deployer.stop(id)
      await expect.poll(() => living(deployer)).toEqual([])
      await deployer.drain(id)
      await deployer.stop(id)
      expect(await living(deployer)).toEqual([])
    })

    test('that ends an instance which never got any work', async () => {
      const { deployer, place } = await opened(ground)
      await deployer.start(place(1))
      await deployer.stop(place(1).id)
      await expect.poll(() => living(deployer)).toEqual([])
    })

    test('that tells several of one slot apart', async () => {
      const { deployer, place } = await opened(ground)
      const second = { ...place(1), id: `${place(1).id}2`, version: '2' }
      await deployer.start(place(1))
      await deployer.start(second)
      await deployer.stop(place(1).id)
      await expect.poll(async () => (await living(deployer)).map(({ id }) => id)).toEqual([second.id])
    })

    test('that another process sees as it is', async () => {
      const { deployer, ground: world, place } = await opened(ground)
      await deployer.start(place(1))
      await healthy(deployer, place(1).id)
      await deployer.serve(place(1).id)
      const other = await world.open()
      expect(await seen(other, place(1).id)).toMatchObject({ ...place(1), state: 'serving' })
      await other.drain(place(1).id)
      await other.stop(place(1).id)
      await expect.poll(() => living(deployer)).toEqual([])
    })

    test('that notices when an instance ended by itself, and does not start it again', async () => {
      const { deployer, ground: world, place } = await opened(ground)
      await deployer.start(place(1))
      await healthy(deployer, place(1).id)
      await world.kill(place(1).id)
      await expect.poll(() => living(deployer)).toEqual([])
      const gone = await seen(deployer, place(1).id)
      if (gone === undefined) return
      expect(gone.ended, 'what is remembered says how it ended').not.toBe('')
      await deployer.start(place(1))
      expect(await living(deployer)).toEqual([])
    })

    test('that can forget an instance that is gone, and one that it never knew', async () => {
      const { deployer, place } = await opened(ground)
      await deployer.start(place(1))
      await deployer.stop(place(1).id)
      await expect.poll(() => living(deployer)).toEqual([])
      await deployer.forget(place(1).id)
      await deployer.forget('nobody')
      expect(await living(deployer)).toEqual([])
    })

    test('that has the last lines of an instance, the last one last', async () => {
      const { deployer, place } = await opened(ground)
      await deployer.start(place(1))
      await expect.poll(async () => (await deployer.log(place(1).id, 10)).length).toBeGreaterThan(0)
      const lines = await deployer.log(place(1).id, 10)
      expect(await deployer.log(place(1).id, 1)).toEqual(lines.slice(-1))
    })

    test('that fails rather than take what it cannot see for nothing', async () => {
      const { deployer, ground: world, place } = await opened(ground)
      await deployer.start(place(1))
      await world.blind()
      await expect(deployer.fleet()).rejects.toThrow()
    })
  })
}

async function opened(make: () => DeployerGround | Promise<DeployerGround>) {
  const ground = await make()
  const role = ground.role ?? 'web'
  const place = (slot: number): Placement => ({ id: `${role}-${slot}-r1-1`, role, slot, version: '1' })
  return { ground, deployer: await ground.open(), place }
}

async function living(deployer: Deployer): Promise<readonly FleetInstance[]> {
  return (await deployer.fleet()).filter(({ state }) => state !== 'gone')
}

async function seen(deployer: Deployer, id: string): Promise<FleetInstance | undefined> {
  return (await deployer.fleet()).find((one) => one.id === id)
}

async function healthy(deployer: Deployer, id: string): Promise<void> {
  await expect.poll(async () => (await seen(deployer, id))?.health.passes ?? 0).toBeGreaterThan(1)
}

async function inState(
  deployer: Deployer,
  id: string,
  ...states: readonly FleetInstance['state'][]
): Promise<void> {
  await expect.poll(async () => states.includes((await seen(deployer, id))?.state ?? 'gone')).toBe(true)
}

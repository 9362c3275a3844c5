import { describe, expect, test } from 'vitest'
import { BellowsError } from '../../src/core/errors.ts'
import type { Deployer } from '../../src/engine/ports.ts'
import { cleanUp } from '../support/database.ts'
import { faultyBellows } from '../support/faulty-ports.ts'
import { livingIn, MIGRATION, readyDatabase, serving, servingFleet, wish } from '../support/rollouts.ts'

const settled = (outcome: Promise<unknown>): Promise<string> =>
  outcome.then(
    () => 'done',
    (error: unknown) => String((error as { code?: unknown }).code),
  )

describe('two who deploy at once', () => {
  test('are one after the other: the second is told who deploys', async () => {
    const { database, bellows, run } = await readyDatabase()
    const fleet = servingFleet()
    const second = await database.bellows({ settings: { driver: { waitMs: 50, pollMs: 10 } } })
    let refused: string | undefined
    const meanwhile = {
      ...fleet.deployer,
      serve: async (id: string) => {
        refused ??= await settled(second.change((driver) => driver.rollOut(run, wish('2'), fleet.deployer)))
        await fleet.deployer.serve(id)
      },
    }

    await bellows.change((driver) => driver.rollOut(run, wish('2'), meanwhile))

    expect(refused).toBe('driver_busy')
    expect(livingIn(fleet)).toEqual(serving('2'))
  })

  test('do not act both: who was replaced asks for nothing more', async () => {
    const { database, run } = await readyDatabase()
    const fleet = servingFleet()
    const calls: string[] = []
    const told = (name: string): Deployer => ({
      ...fleet.deployer,
      serve: async (id) => {
        calls.push(`${name} ${id}`)
        await fleet.deployer.serve(id)
      },
    })
    const first = await database.bellows({
      application: 'bellows/the replaced one',
      settings: { driver: { reconnectsMax: 0 } },
    })
    let goOn: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      goOn = resolve
    })
    cleanUp(async () => goOn())
    let isHeld = false
    // It has seen an instance that is ready, and falls asleep before it gives it work.
    const holding: Deployer = {
      ...told('first'),
      fleet: async () => {
        const seen = await fleet.deployer.fleet()
        isHeld ||= seen.some(({ id, health }) => id === 'web-1-r1-1' && health.healthyForMs >= 2_000)
        if (isHeld) await held
        return seen
      },
    }
    const outcome = settled(first.change((driver) => driver.rollOut(run, wish('2'), holding)))
    await expect.poll(() => isHeld).toBe(true)
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bellows/the replaced one' and datname = current_database()`,
    )
    const second = await database.bellows()
    await second.change((driver) => driver.rollOut(run, wish('2'), told('second')))
    goOn()

    expect(await outcome).toBe('driver_lost')
    expect(calls).toEqual(['second web-1-r1-1', 'second web-2-r1-1', 'second web-3-r1-1'])
    expect(livingIn(fleet)).toEqual(serving('2'))
  })
})

describe('a connection that is lost', () => {
  test('is made again, and the rollout goes on', async () => {
    const { database, bellows, run } = await readyDatabase()
    const fleet = servingFleet()
    let cuts = 0
    const cutting = {
      ...fleet.deployer,
      serve: async (id: string) => {
        await fleet.deployer.serve(id)
        cuts += 1
        await database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'bellows/test' and datname = current_database()`,
        )
      },
    }

    await bellows.change((driver) => driver.rollOut(run, wish('2'), cutting))

    expect(cuts).toBe(3)
    expect(livingIn(fleet)).toEqual(serving('2'))
    expect([...fleet.starts.values()]).toEqual([1, 1, 1])
  })
})

describe('a connection that is lost with the answer to the last record', () => {
  test.each([
    ['a failure is told, and the release is not tried again', {}, 'rollout_failed', '1'],
    ['a success is told, and nothing is begun again', { healthyAfterMs: 0 }, 'done', '2'],
  ] as const)('%s', async (_what, behaviour, outcome, version) => {
    const { database, run } = await readyDatabase()
    const fleet = servingFleet({
      behaviour: (one) => (one.version === '2' ? behaviour : { healthyAfterMs: 0 }),
    })
    let cuts = 0
    const after = async ({ kind }: { readonly kind: string }) => {
      if (kind !== 'transact' || cuts > 0) return
      const ends = await database.query(`select from bellows.event where event #>> '{event,kind}' = 'ended'`)
      if (ends.length === 0) return
      cuts += 1
      throw new BellowsError('connection_lost', 'The answer was lost.')
    }
    const { bellows } = faultyBellows(database.url, { after })
    cleanUp(() => bellows.close())

    const rolledOut = bellows.change((driver) => driver.rollOut(run, wish('2'), fleet.deployer))

    expect(await settled(rolledOut)).toBe(outcome)
    expect(cuts).toBe(1)
    expect(livingIn(fleet)).toEqual(serving(version))
    const begun = await database.query(
      `select from bellows.event where event #>> '{event,kind}' = 'rollout_started'`,
    )
    expect(begun).toHaveLength(1)
  })
})

describe('what is asked from elsewhere', () => {
  test('is heard by the driver at its next look: pause, then resume by another one', async () => {
    const { database, bellows, run } = await readyDatabase()
    const fleet = servingFleet()
    const elsewhere = await database.bellows()
    const asking = {
      ...fleet.deployer,
      serve: async (id: string) => {
        if (id.startsWith('web-1')) await elsewhere.askRollout(run, 'pause')
        await fleet.deployer.serve(id)
      },
    }

    await expect(bellows.change((driver) => driver.rollOut(run, wish('2'), asking))).rejects.toMatchObject({
      code: 'rollout_paused',
      message: 'The rollout of "2" is paused: paused by postgres.',
      hint: `To go on: bellows deploy resume ${MIGRATION.name}\nTo take it back: bellows deploy abort ${MIGRATION.name}`,
    })
    expect(livingIn(fleet), 'the batch that was under way is finished').toEqual([
      'web-1 2 serving',
      'web-2 1 serving',
      'web-3 1 serving',
    ])
    expect(await bellows.run(MIGRATION.name)).toMatchObject({ state: 'rolling_out' })

    // The same command again does not overrule who paused it.
    await expect(
      bellows.change((driver) => driver.rollOut(run, wish('2'), fleet.deployer)),
    ).rejects.toMatchObject({ code: 'rollout_paused' })
    await elsewhere.askRollout(run, 'resume')
    await elsewhere.change((driver) => driver.resumeRollout(run, fleet.deployer))
    expect(livingIn(fleet)).toEqual(serving('2'))
  })

  test('takes it back: abort, also as a call of SQL', async () => {
    const { database, bellows, run } = await readyDatabase()
    const fleet = servingFleet()
    const asking = {
      ...fleet.deployer,
      serve: async (id: string) => {
        if (id.startsWith('web-2-r1')) await database.query(`select bellows.ask_rollout(${run}, 'abort')`)
        await fleet.deployer.serve(id)
      },
    }

    await expect(bellows.change((driver) => driver.rollOut(run, wish('2'), asking))).rejects.toMatchObject({
      code: 'rollout_failed',
      message: 'The rollout of "2" was taken back: aborted by postgres.',
    })
    expect(livingIn(fleet)).toEqual(serving('1'))
  })

  test('is not heard by the rollout after it', async () => {
    const { bellows, run } = await readyDatabase()
    const fleet = servingFleet()
    const late = {
      ...fleet.deployer,
      // Between the last look at what is asked and the end.
      stop: async (id: string) => {
        await fleet.deployer.stop(id)
        if (id === 'web-3-r0-1') await bellows.askRollout(run, 'resume')
      },
    }
    await bellows.change((driver) => driver.rollOut(run, wish('2'), late))
    await bellows.change((driver) => driver.rollOut(run, wish('3'), fleet.deployer))
    expect(livingIn(fleet)).toEqual(serving('3'))
  })

  test('needs a rollout that is under way', async () => {
    const { bellows, run } = await readyDatabase()
    await expect(bellows.askRollout(run, 'pause')).rejects.toMatchObject({
      code: 'run_not_found',
      message: 'No rollout for "0001_test" is under way.',
      hint: 'Begin one: bellows deploy 0001_test --to <version>',
    })
    await bellows.change((driver) => driver.rollOut(run, wish('2'), servingFleet().deployer))
    await expect(bellows.askRollout(run, 'abort')).rejects.toMatchObject({ code: 'run_not_found' })
    await expect(
      bellows.change((driver) => driver.resumeRollout(99, servingFleet().deployer)),
    ).rejects.toMatchObject({ code: 'run_not_found' })
  })

  test('is not for every role', async () => {
    const { database, run } = await readyDatabase()
    const role = `app_${database.name}`.slice(0, 63)
    await database.query(`create role ${role}`)
    cleanUp(async () => void (await database.query(`drop owned by ${role}; drop role ${role}`)))
    const session = await database.session()
    await session.query(`set role ${role}`)
    await expect(session.query(`select bellows.ask_rollout(${run}, 'abort')`)).rejects.toThrow(
      'permission denied',
    )
  })

  test('is one of three things', async () => {
    const { database, run } = await readyDatabase()
    await expect(database.query(`select bellows.ask_rollout(${run}, 'explode')`)).rejects.toThrow(
      'check constraint',
    )
  })
})

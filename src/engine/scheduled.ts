import { BellowsError } from '../core/errors.ts'
import type { GateTimes } from '../core/gate/loosened.ts'
import type { Event } from '../core/run/event.ts'
import type { Run } from '../core/run/run.ts'
import type { Engine } from './context.ts'
import { rulesFrom } from './gate.ts'
import type { Standby } from './ports.ts'
import { inPlaceOf } from './staying.ts'

type Scheduled = Extract<Event, { readonly type: 'purge_scheduled' }>

/** With all that counts for the contract: nobody is there any more to say it when its time has come. */
export function purgeScheduled({ settings, standbys }: Engine, graceMs: number): Scheduled {
  const { version } = settings.gate
  const { overrides, quietMs, quietAloneMs } = rulesFrom(settings.gate)
  return {
    type: 'purge_scheduled',
    graceMs,
    ...(version === undefined ? {} : { staying: version }),
    ...(overrides.length === 0 ? {} : { overrides }),
    asked: { quietMs, quietAloneMs, silentGraceMs: settings.gate.silentGraceMs },
    ...(standbys.length === 0 ? {} : { standbys: standbys.map(({ name }) => name) }),
  }
}

/** For a look at a run: where its drop is left to `reap`, with all that was said for that. */
export async function asDropped(engine: Engine, run: Run): Promise<Engine> {
  return run.purgeAfterMs === undefined ? engine : await scheduledFor(engine, run)
}

/** The engine as it was told to go when the drop of a run was scheduled. Of what is asked for the stricter goes: then, or here. */
export async function scheduledFor(engine: Engine, run: Run): Promise<Engine> {
  const { settings, standbys } = engine
  const entry = (await engine.journal.entries([run.id])).findLast(
    ({ event }) => event.type === 'purge_scheduled',
  )
  const said = entry?.event.type === 'purge_scheduled' ? entry.event : undefined
  const stayed = said?.staying === undefined ? undefined : { version: said.staying, seq: entry?.seq ?? 0 }
  const version =
    settings.gate.version ?? (stayed === undefined ? undefined : await inPlaceOf(engine, stayed))
  const gate = {
    ...settings.gate,
    ...stricter(settings.gate, said?.asked),
    overrides: [...settings.gate.overrides, ...(said?.overrides ?? [])],
    ...(version === undefined ? {} : { version }),
  }
  const unlisted = (said?.standbys ?? []).filter((name) => standbys.every((one) => one.name !== name))
  return {
    ...engine,
    settings: { ...settings, gate, graceMs: run.purgeAfterMs ?? 0 },
    standbys: [...standbys, ...unlisted.map(unasked)],
  }
}

function stricter(here: GateTimes, said: GateTimes = here): GateTimes {
  return {
    quietMs: Math.max(here.quietMs, said.quietMs),
    quietAloneMs: Math.max(here.quietAloneMs, said.quietAloneMs),
    silentGraceMs: Math.max(here.silentGraceMs, said.silentGraceMs),
  }
}

/** Applications read from it, as was said, and its password is written down nowhere. */
function unasked(name: string): Standby {
  const because = 'the contract asked there, and "standbys" of the config file does not list it'
  return {
    name,
    read: () => Promise.reject(new BellowsError('config_invalid', because)),
    close: () => Promise.resolve(),
  }
}

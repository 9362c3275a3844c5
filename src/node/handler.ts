import { mergedSettings, type SettingsChange } from '../config.ts'
import { type Bellows, BellowsError, type Changing } from '../index.ts'
import { isRefusal, partlyDone } from './codes.ts'
import { type Body, optionalNumber, optionalText, unsupported } from './fields.ts'

/** How the node was started. */
export interface NodeRules {
  /** Refuse what an earlier phase must come before, instead of doing that first. */
  readonly strict: boolean
  /** Does contract bring the phases before it along, where the replacement is known? */
  readonly impliesAll: boolean
}

export interface Node {
  readonly bellows: Bellows
  readonly rules: NodeRules
  /** Takes over work that its requester does not wait for any longer. */
  readonly goesOn: (work: Promise<unknown>) => void
}

/** The fields of a reply after `type` and `in_reply_to`, in their order. */
export interface Answer {
  readonly type: string
  readonly [field: string]: unknown
}

export type Handler = (node: Node, body: Body) => Promise<Answer>

/** Changes the database within the bounds that the message sets. Waiting for others is the default. */
export function changing(
  node: Node,
  body: Body,
  work: (database: Changing) => Promise<Answer>,
): Promise<Answer> {
  const change: SettingsChange = { ...waitBounds(body), ...batchBounds(body) }
  let before: string | undefined
  return node.bellows.change(
    async (database) => {
      // Of the first attempt: when the connection was lost, what that one did has been done by this request, too.
      before ??= await effects(database)
      try {
        return await work(database)
      } catch (error) {
        if (error instanceof BellowsError && error.code === 'database_unreachable') throw lostWithin(error)
        throw isRefusal(error) && (await effects(database)) !== before ? partlyDone(error) : error
      }
    },
    { settings: (standing) => mergedSettings(standing, change) },
  )
}

/** What others can see that a request may have done although it ends with an error. */
async function effects(database: Changing): Promise<string> {
  const versions = (await database.versions()).map(({ version, name }) => `${version} ${name}`)
  const runs = (await database.runs('open'))
    .filter(({ state, retiredAt }) => state === 'rolling_back' || retiredAt !== undefined)
    .map(({ id, state, retiredAt }) => `${id} ${state} ${retiredAt}`)
  return [...versions, ...runs].join('\n')
}

/** Unreachable says that nothing was begun; here the work had been. */
function lostWithin(error: BellowsError): BellowsError {
  return new BellowsError('connection_lost', error.message, { cause: error })
}

function waitBounds(body: Body): SettingsChange {
  const lockMs = optionalNumber(body, 'max_lock_duration_ms', 1)
  return lockMs === undefined ? {} : { lock: { deadlineMs: lockMs }, driver: { waitMs: lockMs } }
}

function batchBounds(body: Body): SettingsChange {
  const rows = optionalNumber(body, 'batch_size', 1)
  const onBadRow = optionalText(body, 'on_bad_row')
  if (onBadRow !== undefined && onBadRow !== 'stop' && onBadRow !== 'quarantine')
    throw unsupported('on_bad_row', onBadRow, ['stop', 'quarantine'])
  return {
    batch: { ...(rows === undefined ? {} : { rows }), ...(onBadRow === undefined ? {} : { onBadRow }) },
  }
}

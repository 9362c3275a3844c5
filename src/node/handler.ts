import { mergedSettings, type SettingsChange } from '../config.ts'
import type { Bellows, Changing } from '../index.ts'
import { type Body, optionalNumber } from './fields.ts'

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
  return node.bellows.change(work, { settings: (standing) => mergedSettings(standing, change) })
}

function waitBounds(body: Body): SettingsChange {
  const lockMs = optionalNumber(body, 'max_lock_duration_ms', 1)
  return lockMs === undefined ? {} : { lock: { deadlineMs: lockMs }, driver: { waitMs: lockMs } }
}

function batchBounds(body: Body): SettingsChange {
  const rows = optionalNumber(body, 'batch_size', 1)
  return rows === undefined ? {} : { batch: { rows } }
}

import { BellowsError } from '../index.ts'
import { type Body, text, texts } from './fields.ts'
import type { Answer } from './handler.ts'

/** Who this node is, from `init` on. */
export interface Identity {
  nodeId(): string | undefined
  /** @throws BellowsError when the fields are ill-typed, or when it was told to be somebody else before */
  init(body: Body): Answer
}

export function createIdentity(): Identity {
  let known: string | undefined
  return {
    nodeId: () => known,
    init: (body) => {
      const nodeId = text(body, 'node_id')
      if (body.node_ids !== undefined) texts(body, 'node_ids')
      if (known !== undefined && known !== nodeId) {
        throw new BellowsError('phase_order', `This node is "${known}" already.`)
      }
      known = nodeId
      return { type: 'init_ok' }
    },
  }
}

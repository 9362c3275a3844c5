import type { Journal } from './journal.ts'
import { createLink, type Link } from './link.ts'
import type { Message } from './message.ts'
import { randomOf } from './random.ts'

export interface Faults {
  readonly seed: number
  readonly latencyMaxMs: number
  readonly duplicates: number
  readonly delays: number
  readonly delayMaxMs: number
}

export interface Traffic {
  send(message: Message): void
  close(): void
}

/** All links, each made when it is first used, with the random numbers that are its own. */
export function createTraffic(
  faults: Faults,
  journal: Journal,
  isNode: (id: string) => boolean,
  deliver: (message: Message) => void,
): Traffic {
  const links = new Map<string, Link & { readonly random: () => number }>()
  let isClosed = false

  function linkOf({ src, dest }: Message): Link & { readonly random: () => number } {
    const name = JSON.stringify([src, dest])
    const link = links.get(name) ?? { ...createLink(deliver), random: randomOf(faults.seed, name) }
    links.set(name, link)
    return link
  }

  function send(message: Message): void {
    if (isClosed) return
    journal.note('sent', message.src, { message })
    const link = linkOf(message)
    const { random } = link
    const nowMs = performance.now()
    if (isNode(message.src)) {
      link.put(message, isNode(message.dest) ? nowMs + random() * faults.latencyMaxMs : nowMs)
      return
    }
    // As many are drawn for each message, so that a probability changes nothing but what it is about.
    const [isCopied, isLate, lateMs, copyMs] = [
      random() < faults.duplicates,
      random() < faults.delays,
      random() * faults.delayMaxMs,
      random() * faults.delayMaxMs,
    ]
    const isSpared = message.body.type === 'init'
    if (isCopied && !isSpared) {
      journal.note('duplicated', message.src, { message })
      link.put(message, nowMs + copyMs)
    }
    if (isLate && !isSpared) journal.note('delayed', message.src, { message })
    link.put(message, isLate && !isSpared ? nowMs + lateMs : nowMs)
  }

  return {
    send,
    close() {
      isClosed = true
      for (const link of links.values()) link.close()
    },
  }
}

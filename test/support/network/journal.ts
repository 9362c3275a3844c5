import type { Message } from './message.ts'

export interface Entry {
  readonly atMs: number
  readonly event:
    | ('spawned' | 'exited' | 'killing' | 'paused' | 'resumed' | 'input closed' | 'written' | 'failed')
    | ('sent' | 'duplicated' | 'delayed' | 'delivered' | 'lost' | 'timed out' | 'unasked' | 'said' | 'cut')
  /** The node that it happened to or, with a message, who sent it or was to get it. */
  readonly who: string
  readonly message?: Message
  /** The line of a node as it was, or what there is to say. */
  readonly text?: string
}

export interface Journal {
  readonly entries: readonly Entry[]
  note(event: Entry['event'], who: string, more?: Pick<Entry, 'message' | 'text'>): void
  /** An error that says how to have it happen again, and what happened last. */
  error(text: string): Error
}

const SHOWN_ENTRIES = 20
const SHOWN_CHARACTERS = 300

export function createJournal(seed: number): Journal {
  const startMs = performance.now()
  const entries: Entry[] = []
  return {
    entries,
    note(event, who, more = {}) {
      entries.push({ atMs: Math.round(performance.now() - startMs), event, who, ...more })
    },
    error(text) {
      return new Error([`${text} (seed ${seed})`, ...entries.slice(-SHOWN_ENTRIES).map(shown)].join('\n'))
    },
  }
}

function shown({ atMs, event, who, message, text }: Entry): string {
  const what = text ?? (message === undefined ? '' : JSON.stringify(message))
  return `  ${atMs} ms: ${who} ${event} ${what.slice(0, SHOWN_CHARACTERS)}`
}

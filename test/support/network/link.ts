import type { Message } from './message.ts'

export interface Link {
  /** Delivers it when it is due, before what is due later although it may have been put before. */
  put(message: Message, dueMs: number): void
  close(): void
}

/** One direction between two, as a queue ordered by the time of delivery. */
export function createLink(deliver: (message: Message) => void): Link {
  const queue: { readonly message: Message; readonly dueMs: number }[] = []
  let timer: NodeJS.Timeout | undefined

  function run(): void {
    clearTimeout(timer)
    for (let [next] = queue; next !== undefined; [next] = queue) {
      const waitMs = next.dueMs - performance.now()
      if (waitMs > 0) {
        timer = setTimeout(run, waitMs)
        return
      }
      queue.shift()
      deliver(next.message)
    }
  }

  return {
    put(message, dueMs) {
      const later = queue.findIndex((waiting) => waiting.dueMs > dueMs)
      queue.splice(later === -1 ? queue.length : later, 0, { message, dueMs })
      run()
    },
    close() {
      clearTimeout(timer)
      queue.length = 0
    },
  }
}

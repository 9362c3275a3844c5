/** The time of a simulated world, in which something happens only when time passes. */
export interface Timeline {
  nowMs(): number
  /** Lets something happen in so many milliseconds. */
  after(ms: number, happens: () => void): void
  /** Everything that is due until then happens, in its order. */
  pass(ms: number): void
  /** Time passes until something holds, or so much of it. Does it hold? */
  passUntil(holds: () => boolean, mostMs: number): boolean
}

interface Due {
  readonly atMs: number
  /** What is due at the same time happens in the order in which it was asked for. */
  readonly seq: number
  readonly happens: () => void
}

export function timeline(startMs: number): Timeline {
  const heap: Due[] = []
  let nowMs = startMs
  let seq = 0

  /** The next that is due until then, if there is one; the time is its time. */
  const next = (untilMs: number): boolean => {
    const [first] = heap
    if (first === undefined || first.atMs > untilMs) return false
    popFrom(heap)
    nowMs = first.atMs
    first.happens()
    return true
  }

  return {
    nowMs: () => nowMs,
    after: (ms, happens) => {
      seq += 1
      pushTo(heap, { atMs: nowMs + ms, seq, happens })
    },
    pass: (ms) => {
      const untilMs = nowMs + ms
      while (next(untilMs));
      nowMs = untilMs
    },
    passUntil: (holds, mostMs) => {
      const untilMs = nowMs + mostMs
      while (!holds()) {
        if (next(untilMs)) continue
        nowMs = untilMs
        return false
      }
      return true
    },
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq)
}

function pushTo(heap: Due[], due: Due): void {
  let at = heap.length
  heap.push(due)
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(due, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = due
}

function popFrom(heap: Due[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
    if (!isBefore(heap[child]!, last)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
}

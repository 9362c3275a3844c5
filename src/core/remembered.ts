const ENTRIES_MAX = 1_000

/** A pure function of a text that keeps its last answers: for work that costs much, on texts that come again. */
export function remembered<T>(work: (text: string) => T): (text: string) => T {
  const answers = new Map<string, { readonly answer: T }>()
  return (text) => {
    const known = answers.get(text)
    if (known !== undefined) return known.answer
    const answer = work(text)
    // All at once, so that nobody has to know which one is the oldest.
    if (answers.size >= ENTRIES_MAX) answers.clear()
    answers.set(text, { answer })
    return answer
  }
}

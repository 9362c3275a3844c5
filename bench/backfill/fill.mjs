// One phase of a migration, in a process of its own: node fill.mjs URL PHASE SETTINGS
import { openBellows } from 'bellows'

/** The time left is told in whole seconds. */
const ROUNDED = 0.5

const [url, phase, batch] = process.argv.slice(2)
/** What was foretold: when, at which share of the work, and how many seconds were left. */
const foretold = []
const bellows = await openBellows({
  database: url,
  application: 'bellows/bench',
  settings: { batch: JSON.parse(batch) },
  onNotice: ({ type, secondsLeft, rowsDone, rowsTotal }) => {
    if (type === 'progress' && secondsLeft !== undefined)
      foretold.push({ at: performance.now() / 1_000, share: rowsDone / rowsTotal, secondsLeft })
  },
})
await bellows.change((driver) =>
  driver.advance(
    {
      name: '0001_full_name',
      operations: [
        { kind: 'rename_column', namespace: 'public', table: 'users', from: 'name', to: 'full_name' },
      ],
    },
    phase,
  ),
)
const end = performance.now() / 1_000
await bellows.close()
process.send?.({ memoryBytes: process.resourceUsage().maxRSS * 1_024, foretoldOff: worst(end) })
process.disconnect?.()

/** From a tenth of the work on, and while a tenth of the time is left: by which share of what was left the worst one was wrong. */
function worst(end) {
  const wrong = foretold
    .map(({ at, share, secondsLeft }) => ({
      share,
      left: end - at,
      off: Math.max(0, Math.abs(secondsLeft - (end - at)) - ROUNDED),
    }))
    .filter(({ share, left }) => share >= 0.1 && left >= end / 10)
    .map(({ left, off }) => off / left)
  return wrong.length === 0 ? undefined : Math.max(...wrong)
}

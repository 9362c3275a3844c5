// One phase of a migration, in a process of its own: node fill.mjs URL PHASE SETTINGS
import { openBellows } from 'bellows'

const [url, phase, batch] = process.argv.slice(2)
const bellows = await openBellows({
  database: url,
  application: 'bellows/bench',
  settings: { batch: JSON.parse(batch) },
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
await bellows.close()
process.send?.({ memoryBytes: process.resourceUsage().maxRSS * 1_024 })
process.disconnect?.()

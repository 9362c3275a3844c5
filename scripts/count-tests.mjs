// Sums up the reports of the test runs in a folder and ends with a line that says what came out:
//   node scripts/count-tests.mjs <folder> <failed checks>
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const [folder, failedChecks] = process.argv.slice(2)
let passed = 0
let failed = 0
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(path.join(folder, file), 'utf8'))
  passed += report.numPassedTests
  failed += report.numFailedTests
}
if (Number(failedChecks) > 0) console.log(`${failedChecks} checks failed`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && Number(failedChecks) === 0 ? 0 : 1)

// Sums up the reports of the test runs in a folder. It names each test that failed, with its error, and ends with
// a line that says what came out:
//   node scripts/count-tests.mjs <folder> <failed checks>
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const [folder, failedChecks] = process.argv.slice(2)
const reports = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, ...JSON.parse(readFileSync(path.join(folder, name), 'utf8')) }))

// The end of a log is often all that is kept of it, so it must say what failed.
for (const report of reports) {
  for (const file of report.testResults) {
    const where = `${report.name}: ${path.relative(process.cwd(), file.name)}`
    const broken = file.assertionResults.filter((test) => test.status === 'failed')
    for (const test of broken)
      console.log(`FAILED ${where}: ${test.fullName}\n${test.failureMessages.join('\n')}`)
    if (file.status === 'failed' && broken.length === 0) console.log(`FAILED ${where}\n${file.message}`)
  }
}

const count = (key) => reports.reduce((sum, report) => sum + report[key], 0)
const failed = count('numFailedTests')
if (Number(failedChecks) > 0) console.log(`${failedChecks} checks failed`)
console.log(`${count('numPassedTests')} passed, ${failed} failed`)
process.exit(failed === 0 && Number(failedChecks) === 0 ? 0 : 1)

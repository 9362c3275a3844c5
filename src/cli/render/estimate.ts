import { bytesText, type Estimate } from '../../index.ts'
import { duration, grouped } from './figures.ts'

/** What a backfill needs, by the sizes of the moment. */
export function estimateText({ rows, logBytes, growthBytes, seconds }: Omit<Estimate, 'step'>): string {
  const time = `${duration(seconds.least)} on an idle server with one worker, ${duration(seconds.most)} on a busy one`
  return `about ${grouped(rows)} rows: ${bytesText(logBytes)} of log, ${bytesText(growthBytes)} more of table and indexes, ${time}`
}

/** What the name of a session ends with that fills ranges of a backfill. */
export const WORKER = ' worker'

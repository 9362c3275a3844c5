import { type Sql, sql } from '../sql.ts'
import { USUAL_SEARCH_PATH } from './search-path.ts'

/** In front of a statement that fills rows: triggers of the user find what they rely on, and can tell it from what an application writes. */
export const IN_BACKFILL: readonly Sql[] = [USUAL_SEARCH_PATH, sql`set local bellows.backfill = 'on'`]

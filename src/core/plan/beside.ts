import type { Migration } from '../operations/migration.ts'
import type { Touch } from '../operations/needs.ts'
import { covers, written } from './meetings.ts'
import { touchesOf } from './needs.ts'

/**
 * What of a migration another one is at work on, as a person would call it: what one of them makes, takes away or puts something else in
 * the place of is nothing for the other. Under the name of a column that is hidden another could come, and an undo would not bring it
 * back; a partition that was detached could not be attached again, and a view that is a renamed table would not show what came.
 */
export function touchedByBoth(mine: Migration, theirs: Migration): string | undefined {
  const touches = touchesOf(mine)
  const met = touchesOf(theirs).find((other) => touches.some((touch) => areApart(touch, other)))
  return met === undefined ? undefined : written(met)
}

function areApart(one: Touch, other: Touch): boolean {
  return (changes(one) && covers(one, other)) || (changes(other) && covers(other, one))
}

function changes({ how }: Touch): boolean {
  return how !== 'uses' && how !== 'describes'
}

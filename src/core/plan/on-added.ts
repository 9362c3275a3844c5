import type { Touch } from '../operations/needs.ts'
import { covers, placeOf } from './meetings.ts'

/** Of each operation: does it work on something that the ones before it add? */
export function areOnAdded(each: readonly { readonly touches: readonly Touch[] }[]): readonly boolean[] {
  const added = new Map<string, Touch[]>()
  return each.map(({ touches }) => {
    const places = touches.map(placeOf)
    const isOn = touches.some((one, at) => added.get(places[at] ?? '')?.some((touch) => covers(touch, one)))
    for (const [at, place] of places.entries()) {
      const touch = touches[at]
      if (touch?.how === 'adds') added.set(place, [...(added.get(place) ?? []), touch])
    }
    return isOn
  })
}

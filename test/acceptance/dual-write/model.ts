import fc from 'fast-check'

type Value = string | null

/** One thing that somebody does to the table. An id that is not there, or is there already, changes nothing. */
export type Command =
  | { readonly do: 'insert'; readonly id: number; readonly name?: Value; readonly full_name?: Value }
  | { readonly do: 'update'; readonly id: number; readonly name?: Value; readonly full_name?: Value }
  | {
      readonly do: 'upsert'
      readonly id: number
      readonly column: 'name' | 'full_name'
      readonly value: Value
    }
  /** As an ORM does: every column, with the value that was read. */
  | {
      readonly do: 'write back'
      readonly id: number
      readonly column: 'name' | 'full_name'
      readonly value: Value
    }
  | { readonly do: 'touch'; readonly id: number }
  | { readonly do: 'delete'; readonly id: number }
  /** To another partition and back, where there are some. */
  | { readonly do: 'move'; readonly id: number }
  | { readonly do: 'change and roll back'; readonly id: number; readonly value: Value }
  | { readonly do: 'fill'; readonly from: number; readonly to: number }

export interface Row {
  readonly value: Value
  /** A row made before the trigger, which nobody has written since: its new column is still NULL. */
  readonly isFilled: boolean
}

export type Model = Map<number, Row>

const values = fc.constantFrom<Value>('a', 'b', 'd', ' ', null)
const sides = fc.constantFrom('name' as const, 'full_name' as const)

export function commands(idMax: number): fc.Arbitrary<Command> {
  const id = fc.integer({ min: 1, max: idMax })
  const written = { id, name: values, full_name: values }
  return fc.oneof(
    fc.record({ do: fc.constant('insert' as const), ...written }, { requiredKeys: ['do', 'id'] }),
    fc.record({ do: fc.constant('update' as const), ...written }, { requiredKeys: ['do', 'id'] }),
    fc.record({ do: fc.constant('upsert' as const), id, column: sides, value: values }),
    fc.record({ do: fc.constant('write back' as const), id, column: sides, value: values }),
    fc.record({ do: fc.constant('touch' as const), id }),
    fc.record({ do: fc.constant('delete' as const), id }),
    fc.record({ do: fc.constant('move' as const), id }),
    fc.record({ do: fc.constant('change and roll back' as const), id, value: values }),
    fc.record({ do: fc.constant('fill' as const), from: id, to: id }),
  )
}

/** What an old instance does before the barrier. */
export const beforeBarrier = (idMax: number): fc.Arbitrary<readonly [number, Value]> =>
  fc.tuple(fc.integer({ min: 1, max: idMax }), values)

/** Does a command to the model. False when the database must refuse it. */
export function happens(model: Model, command: Command, byDefault: Value): boolean {
  if (command.do === 'fill') {
    for (const [id, row] of model) {
      if (id >= command.from && id <= command.to) model.set(id, { ...row, isFilled: true })
    }
    return true
  }
  const row = model.get(command.id)
  if (command.do === 'insert') {
    const made = inserted(command, byDefault)
    // A row that is in the way is left alone, but the proposed one was judged before that.
    if (made !== undefined && row === undefined) model.set(command.id, made)
    return made !== undefined
  }
  if (command.do === 'upsert' && row === undefined) {
    const made = inserted({ id: command.id, [command.column]: command.value }, byDefault)
    if (made !== undefined) model.set(command.id, made)
    return made !== undefined
  }
  if (row === undefined) return true
  switch (command.do) {
    case 'delete':
      model.delete(command.id)
      return true
    case 'change and roll back':
      return true
    case 'touch':
    case 'move':
      model.set(command.id, { ...row, isFilled: true })
      return true
    case 'update':
      return updated(model, row, command)
    case 'upsert':
      return updated(model, row, { ...command, [command.column]: excluded(command, byDefault) })
    case 'write back': {
      const read = { name: row.value, full_name: row.isFilled ? row.value : null }
      return updated(model, row, { id: command.id, ...read, [command.column]: command.value })
    }
  }
}

/** The proposed row of an upsert went through the rules of INSERT first. */
function excluded({ column, value }: { column: string; value: Value }, byDefault: Value): Value {
  return column === 'full_name' ? (value ?? byDefault) : value
}

type Written = { readonly id: number; readonly name?: Value; readonly full_name?: Value }

function inserted(given: Written, byDefault: Value): Row | undefined {
  const { name = given.name === undefined ? byDefault : null, full_name = null } = given
  const isOmitted = name === null || name === byDefault
  if (full_name !== null && full_name !== name && !isOmitted) return undefined
  return { value: full_name ?? name, isFilled: true }
}

function updated(model: Model, row: Row, { id, ...given }: Written): boolean {
  const before = { name: row.value, full_name: row.isFilled ? row.value : null }
  const { name = before.name, full_name = before.full_name } = given
  const [isNameChanged, isFullNameChanged] = [name !== before.name, full_name !== before.full_name]
  if (isNameChanged && isFullNameChanged && name !== full_name) return false
  model.set(id, { value: isFullNameChanged ? full_name : name, isFilled: true })
  return true
}

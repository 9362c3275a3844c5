import { id } from '../../../src/core/sql.ts'
import type { Generator } from './way.ts'

/** Of a domain of its own, which a table of its own has. */
export const alterDomain: Generator = (draw, way) => {
  const [domain, table, column] = [draw.name(), draw.name(), draw.name()]
  const [had, has] = [`'before'::text`, `'after'::text`]
  const isDefault = draw.chance(0.5)
  const isChecked = draw.chance(0.5)
  const to = draw.one(['stays', 'new', ...(isDefault ? ['none'] : [])])
  const name = draw.name()
  const isNew = draw.chance(0.6)
  const drops = isChecked && draw.chance(0.5)
  if (to === 'stays' && !isNew && !drops) return undefined
  const created = (byDefault: string | undefined, checked: boolean) =>
    `create domain ${id(domain)} as text${byDefault === undefined ? '' : ` default ${byDefault}`}${checked ? ` constraint ${id(`${domain}_old`)} check (value <> 'never')` : ''};`
  const tableOf = `create table ${id(table)} (id bigint, ${id(column)} ${id(domain)});`
  const end = { stays: isDefault ? had : undefined, new: has, none: undefined }[to]
  return {
    operation: {
      kind: 'alter_domain',
      namespace: 'public',
      domain,
      ...(to === 'stays' ? {} : { default: to === 'new' ? has : null }),
      ...(isNew ? { check: { name, constraint: `length(value) < 100` } } : {}),
      ...(drops ? { drop_check: `${domain}_old` } : {}),
    },
    way: {
      ...way,
      more: [
        ...way.more,
        created(end, isChecked && !drops),
        ...(isNew
          ? [`alter domain ${id(domain)} add constraint ${id(name)} check (length(value) < 100) not valid;`]
          : []),
        tableOf,
      ],
    },
    besides: {
      given: `${created(isDefault ? had : undefined, isChecked)} ${tableOf} insert into ${id(table)} select i, 'v' || i from generate_series(1, 30) i;`,
      ...writers(id(table), id(column)),
    },
  }
}

function writers(table: string, column: string) {
  const statements = [
    `insert into ${table} (id, ${column}) values ($1::bigint, 'w' || $1::bigint)`,
    `insert into ${table} (id) values ($1::bigint)`,
    `update ${table} set ${column} = 'u' || $1::bigint where id = $1::bigint % 30`,
  ]
  return {
    old: [{ name: `old ${table}`, statements }],
    renewed: [{ name: `new ${table}`, statements }],
    kept: [`select id, ${column}::text from ${table} order by id, 2`],
  }
}

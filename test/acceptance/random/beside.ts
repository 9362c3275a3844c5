import { id } from '../../../src/core/sql.ts'
import type { Draw } from './draw.ts'

/** What hangs on a table, or reads it, and has to do with none of the columns that change. */
export interface Beside {
  readonly sql: (table: string) => string
  /** Would it break without the table? */
  readonly holds: boolean
}

/** What the triggers call. */
export const NOTING = `
  create table public.noted (of text, n bigint);
  create function public.note_row() returns trigger language plpgsql as
    $$ begin insert into public.noted values (tg_table_name, new.id); return null; end $$;
  create function public.note_rows() returns trigger language plpgsql as
    $$ begin insert into public.noted select tg_table_name, count(*) from renewed; return null; end $$;
  create function public.keep_row() returns trigger language plpgsql as
    $$ begin if new.id is null then return null; end if; return new; end $$;`

const KINDS: readonly ((name: string) => Beside)[] = [
  (name) => ({ sql: (table) => `create view ${name} as select id from ${table} where id > 3;`, holds: true }),
  (name) => ({
    sql: (table) =>
      `create trigger ${name} after insert or update on ${table} for each row execute function public.note_row();`,
    holds: false,
  }),
  (name) => ({
    sql: (table) =>
      `create trigger ${name} after update on ${table} referencing new table as renewed for each statement execute function public.note_rows();`,
    holds: false,
  }),
  (name) => ({
    sql: (table) =>
      `create trigger ${name} before insert or update on ${table} for each row execute function public.keep_row();`,
    holds: false,
  }),
]

export function drawBeside(draw: Draw): readonly Beside[] {
  return KINDS.filter(() => draw.chance(0.1)).map((kind) => kind(id(draw.name())))
}

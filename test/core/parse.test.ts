import { describe, expect, test } from 'vitest'
import { functionsCalled, readExpression, readQuery, readType } from '../../src/core/parse.ts'
import { rewriteConstraint, rewriteIndex } from '../../src/core/rewrite.ts'
import { id, lit, sql, trusted } from '../../src/core/sql.ts'
import { testDatabase } from '../support/database.ts'
import { thrownBy } from '../support/model.ts'
import { CONSTRAINT_REWRITINGS, CORPUS_SCHEMA, INDEX_REWRITINGS } from './parse-corpus.ts'

/** What is said of a text that is not taken. */
const problemOf = (read: ReturnType<typeof readType>): string | undefined =>
  typeof read === 'string' ? undefined : read.problem

describe('a type', () => {
  test.each<[string]>([
    ['text'],
    ['varchar'],
    ['varchar(20)'],
    ['character varying(20)'],
    ['numeric(10, 2)'],
    ['numeric(5, -2)'],
    ['double precision'],
    ['timestamp with time zone'],
    ['timestamp(3) without time zone'],
    ['timestamptz(0)'],
    ['time(6) with time zone'],
    ['interval'],
    ['interval day to second(3)'],
    ['bit varying(8)'],
    ['national character varying(5)'],
    ['text[]'],
    ['integer[3][]'],
    ['integer array'],
    ['"char"'],
    ['"My Type"'],
    ['"say ""type"""'],
    ['my_schema.my_type'],
    ['"My Schema"."My Type"(3)'],
    ['public.geometry(Point, 4326)'],
    ['naïve'],
    ['int4'],
    ['json'],
    ['VarChar(20)'],
  ])('%s is taken as it is written', (text) => {
    expect(readType(text)).toBe(text)
  })

  test.each<[string, string]>([
    ['  text  ', 'text'],
    ['\ttext\n', 'text'],
    ['varchar\n(20)', 'varchar\n(20)'],
  ])('%j may have white space around it', (text, expected) => {
    expect(readType(text)).toBe(expected)
  })

  test.each<[string, string]>([
    ['', 'syntax error at end of input'],
    ['   ', 'syntax error at end of input'],
    ['varchar(', 'syntax error at end of input'],
    ['varchar)', 'syntax error at or near ")"'],
    ['20', 'syntax error at or near "20"'],
    ["'text'", `syntax error at or near "'text'"`],
    ['text not null', 'syntax error at or near "null"'],
    ["text default 'x'", `syntax error at or near "'x'"`],
    ['select', 'syntax error at or near "select"'],
    ['int x', 'it carries a name (AS)'],
    ['int as x', 'it carries a name (AS)'],
    ['text unique', 'it carries a name (AS)'],
    ['text primary key', 'syntax error at or near "key"'],
    ['text collate "C"', 'it is not just the name of a type'],
    ['text::varchar', 'it is not just the name of a type'],
    ['text is null', 'it is not just the name of a type'],
    ['text || 1', 'it is not just the name of a type'],
    ['text[1] = null', 'it is not just the name of a type'],
    ['a.b%type', 'it is not just the name of a type'],
    ['int, 2', 'it is more than one expression'],
    ['int, drop', 'it is more than one expression'],
    ['text from users', 'it is more than one expression'],
    ['text where true', 'it is more than one expression'],
    ['text union select 1', 'it is more than one expression'],
    ['text order by 1', 'it is more than one expression'],
    ['text limit 1', 'it is more than one expression'],
    ['text for update', 'it is more than one expression'],
    ['text; drop table users', 'it is more than one expression'],
    ['text; select 1', 'it is more than one expression'],
    ['text;', 'it is more than one expression'],
    ['text ; ;', 'it is more than one expression'],
    ['text\0; drop table users', 'it contains a control character'],
    ['text -- comment', 'it contains a comment'],
    ['text --', 'it contains a comment'],
    ['/* comment */ text', 'it contains a comment'],
    ['varchar/**/(20)', 'it contains a comment'],
    ['text, drop column id -- ', 'syntax error at or near "id"'],
    ['text, id -- ', 'it contains a comment'],
  ])('%j is refused: %s', (text, problem) => {
    expect(problemOf(readType(text))).toBe(problem)
  })
})

describe('an expression', () => {
  test.each<[string]>([
    ['1'],
    ['-1'],
    ["''"],
    ["'it''s'"],
    ["'a;b'"],
    ["'-- no comment'"],
    ["'/* no comment */'"],
    ['"--"'],
    ["e'back\\\\slash'"],
    ["'back\\slash'"],
    ["U&'d\\0061t'"],
    ['$$a;b$$'],
    ['$tag$ -- no comment $tag$'],
    ['null'],
    ['true and not false'],
    ['now()'],
    ['current_timestamp'],
    ["now() + interval '1 day'"],
    ["'x'::text"],
    ["cast('x' as varchar(3))"],
    ['\'a\' collate "C"'],
    ['array[1, 2]'],
    ["'{a,b}'::text[]"],
    ["case when true then 'a' else 'b' end"],
    ['coalesce(null, 1)'],
    ['row(1, 2)'],
    ["nextval('public.users_id_seq'::regclass)"],
    ['public.my_function(1, named => 2)'],
    ['1 in (1, 2)'],
    ['1 between 0 and 2'],
    ["'a' like 'b' escape '!'"],
    ["timestamp '2020-01-01' at time zone 'UTC'"],
    ['extract(year from now())'],
    ["json_build_object('a', 1)"],
    ["'é'"],
    ["'名前😀'"],
    ["'two\nlines'"],
    ['(select 1)'],
    ['other_column'],
    ['comment'],
    ['comment(1)'],
  ])('%s is taken as it is written', (text) => {
    expect(readExpression(text)).toBe(text)
  })

  test('may have white space around it', () => {
    expect(readExpression(" \n 'a' \t")).toBe("'a'")
  })

  test.each<[string, string]>([
    ['1 +', 'syntax error at end of input'],
    ['(1', 'syntax error at end of input'],
    ['1)', 'syntax error at or near ")"'],
    ['1) + (1', 'syntax error at or near ")"'],
    ["'open", 'unterminated quoted string at or near "\'open\n"'],
    ['"open', 'unterminated quoted identifier at or near ""open\n"'],
    ['/* open', 'unterminated /* comment at or near "/* open\n"'],
    ['1 as x', 'it carries a name (AS)'],
    ['1 x', 'it carries a name (AS)'],
    ['now() not null', 'syntax error at or near "null"'],
    ['1 check', 'it carries a name (AS)'],
    ['1, 2', 'it is more than one expression'],
    ['distinct 1', 'it is more than one expression'],
    ['1 from users', 'it is more than one expression'],
    ['1 into t', 'it is more than one expression'],
    ['1 where true', 'it is more than one expression'],
    ['1 group by 1', 'it is more than one expression'],
    ['1 having true', 'it is more than one expression'],
    ['1 window w as ()', 'it is more than one expression'],
    ['1 union select 2', 'it is more than one expression'],
    ['1 order by 1', 'it is more than one expression'],
    ['1 limit 1', 'it is more than one expression'],
    ['1 offset 1', 'it is more than one expression'],
    ['1 fetch first row only', 'it is more than one expression'],
    ['1 for update', 'it is more than one expression'],
    ['1; drop table users', 'it is more than one expression'],
    ["'x'; drop table users; select 'x'", 'it is more than one expression'],
    ['1; select 2', 'it is more than one expression'],
    ['1; begin', 'it is more than one expression'],
    ['1 -- comment', 'it contains a comment'],
    ['1 --', 'it contains a comment'],
    ['1 -- a\n + 2', 'it contains a comment'],
    ['1 /* comment */', 'it contains a comment'],
    ['/* a /* b */ */ 1', 'it contains a comment'],
    ["'a'--'", 'it contains a comment'],
    ['', 'it is empty'],
    [' \n ', 'it is empty'],
    ['1;', 'it is more than one expression'],
    ['1; ;', 'it is more than one expression'],
    ['1\0; drop table users', 'it contains a control character'],
    ["'a\u0001'", 'it contains a control character'],
  ])('%j is refused: %s', (text, problem) => {
    expect(problemOf(readExpression(text))).toBe(problem)
  })
})

describe('what is read', () => {
  test('stays one expression on the server, whatever stands around it', async () => {
    const database = await testDatabase()
    const texts = ["'a;b'", "'-- no comment'", '$$a;b$$', "'it''s'", "e'back\\\\slash'", "'two\nlines'"]
    for (const text of texts) {
      const read = readExpression(text)
      if (typeof read !== 'string') throw new Error(read.problem)
      const [row] = await database.query<{ is_text: boolean; behind: number }>(
        sql`select (${read}) is not null as is_text, 7 as behind`,
      )
      expect(row).toEqual({ is_text: true, behind: 7 })
    }
  })
})

describe('a query whose value somebody wants to know', () => {
  test.each([
    ['select count(*) = 0 from orders', '(select count(*) = 0 from orders)'],
    [' true ', '(true)'],
    [
      'with recent as (select 1) select true from recent',
      '(with recent as (select 1) select true from recent)',
    ],
    ['select true union select false', '(select true union select false)'],
  ])('is read as one value: %s', (text, query) => {
    expect(readQuery(text)).toBe(query)
  })

  test.each([
    ['select 1; select 2'],
    ['select true) as x, (select 2'],
    ['select true); drop table orders; select (true'],
    ['delete from orders'],
    ['select true -- and more'],
    ['select true /* ) */'],
    [''],
    ['selec true'],
  ])('is nothing else: %s', (text) => {
    expect(readQuery(text)).toEqual({ problem: expect.any(String) })
  })
})

describe('the functions that an expression calls', () => {
  test.each<[string, readonly string[]]>([
    ['1', []],
    ["'now()'", []],
    ['a', []],
    ['1 + 2', []],
    ['now()', ['now']],
    ['NOW()', ['now']],
    ['"Now"()', ['Now']],
    ['pg_catalog.now()', ['now']],
    ["a.b.nextval('x')", ['nextval']],
    ["nextval('users_id_seq'::regclass)", ['nextval']],
    ['coalesce(f(1), g(h(2)))', ['f', 'g', 'h']],
    ['f(f(f(1)))', ['f']],
    ['b(1) + a(1)', ['a', 'b']],
    ['f(1)::text', ['f']],
    ['array[f(1), g(2)]', ['f', 'g']],
    ['case when f(1) then g(2) else h(3) end', ['f', 'g', 'h']],
    ['(select f(1))', ['f']],
    ['row(f(1), g(2))', ['f', 'g']],
    ['greatest(f(1), 2)', ['f']],
    ['not (f(1) and g(2) or h(3) in (i(4)))', ['f', 'g', 'h', 'i']],
    ['f(1) between g(2) and h(3)', ['f', 'g', 'h']],
    ['f(named => g(1))', ['f', 'g']],
    ['f(variadic g(1))', ['f', 'g']],
    ['(f(1)).field', ['f']],
    ['(f(1))[g(2)]', ['f', 'g']],
    ['f(1) collate "C"', ['f']],
    ['f(1) is null', ['f']],
    ["f(1) at time zone 'UTC'", ['f', 'timezone']],
    ['extract(year from now())', ['extract', 'now']],
    ["trim(both from f('x'))", ['btrim', 'f']],
    ["json_object('a': f(1))", ['f']],
    ['sum(f(1)) over (partition by g(2))', ['f', 'g', 'sum']],
    ['current_timestamp', []],
    ["f('\u0001')", ['f']],
    ['comment(f(1))', ['comment', 'f']],
    ['', []],
  ])('%s', (expression, expected) => {
    expect(functionsCalled(trusted(expression))).toEqual(expected)
  })
})

describe('an index definition', () => {
  test.each(INDEX_REWRITINGS)('%j, with another column for %s', (printed, from, rewritten) => {
    expect(rewriteIndex(printed, { from, to: 'full_name' }, 'twin')).toBe(rewritten)
  })

  test('is not changed where the column does not occur', () => {
    const printed = 'CREATE INDEX a ON public.users USING btree (lower(other), other) WHERE (other > 1)'
    expect(rewriteIndex(printed, { from: 'name', to: 'full_name' }, 'b')).toBe(
      'CREATE INDEX CONCURRENTLY b ON public.users ((lower(other)), other) WHERE other > 1',
    )
  })

  test.each<[string, string]>([
    ['select', '"select"'],
    ['Full Name', '"Full Name"'],
    ['say "name"', '"say ""name"""'],
    ["it's", `"it's"`],
    ['naïve', '"naïve"'],
  ])('has the new column %s in quotes', (to, quoted) => {
    const printed = 'CREATE INDEX a ON public.users USING btree (name, lower(name)) WHERE (name IS NOT NULL)'
    expect(rewriteIndex(printed, { from: 'name', to }, 'b')).toBe(
      `CREATE INDEX CONCURRENTLY b ON public.users (${quoted}, (lower(${quoted}))) WHERE ${quoted} IS NOT NULL`,
    )
  })

  test.each<[string, string]>([
    ['Twin', '"Twin"'],
    ['by "name"', '"by ""name"""'],
    ['select', '"select"'],
    ['bellows_copy_0123abcd_users_name_idx', 'bellows_copy_0123abcd_users_name_idx'],
  ])('has the new name %s in quotes where it needs them', (name, quoted) => {
    const printed = 'CREATE INDEX a ON public.users USING btree (name)'
    expect(rewriteIndex(printed, { from: 'name', to: 'b' }, name)).toBe(
      `CREATE INDEX CONCURRENTLY ${quoted} ON public.users (b)`,
    )
  })

  test('keeps the table and the namespace, quotes included', () => {
    const printed = 'CREATE INDEX "A" ON "Other App"."User s" USING btree (name)'
    expect(rewriteIndex(printed, { from: 'name', to: 'b' }, 'c')).toBe(
      'CREATE INDEX CONCURRENTLY c ON "Other App"."User s" (b)',
    )
  })

  test('that the parser cannot read is not guessed at', () => {
    const printed = 'CREATE INDEX x ON public.users USING btree (xmlcomment(name) IS DOCUMENT)'
    expect(() => rewriteIndex(printed, { from: 'name', to: 'b' }, 'c')).toThrow(
      `parser does not read PostgreSQL's own text: ${printed}`,
    )
  })

  test('is one statement', () => {
    const printed = 'CREATE INDEX a ON b (c); DROP TABLE b'
    expect(() => rewriteIndex(printed, { from: 'c', to: 'd' }, 'e')).toThrow(
      "parser does not read PostgreSQL's own text",
    )
  })
})

describe('a constraint definition', () => {
  test.each(CONSTRAINT_REWRITINGS)('%j, with another column for %s', (printed, from, rewritten) => {
    expect(rewriteConstraint(printed, { from, to: 'full_name' })).toBe(rewritten)
  })

  test('leaves the columns of the other table alone', () => {
    const printed = 'FOREIGN KEY (id) REFERENCES public.users(id) ON DELETE CASCADE'
    expect(rewriteConstraint(printed, { from: 'id', to: 'user_id' })).toBe(
      'FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE CASCADE',
    )
  })

  test('is not changed where the column does not occur', () => {
    expect(rewriteConstraint("CHECK ((other <> 'name'::text))", { from: 'name', to: 'full_name' })).toBe(
      "CHECK (other <> 'name'::text)",
    )
  })

  test('of a table called like the statement that carries it through the parser keeps its text', () => {
    expect(
      rewriteConstraint("CHECK ((c <> 'ALTER TABLE t ADD CONSTRAINT c '::text))", { from: 'c', to: 't' }),
    ).toBe("CHECK (t <> 'ALTER TABLE t ADD CONSTRAINT c '::text)")
  })

  test('that the parser cannot read is not guessed at', () => {
    expect(() => rewriteConstraint('CHECK (name IS DOCUMENT', { from: 'name', to: 'b' })).toThrow(
      "parser does not read PostgreSQL's own text: ALTER TABLE t ADD CONSTRAINT c CHECK (name IS DOCUMENT",
    )
  })
})

describe('what cannot be carried faithfully', () => {
  /** The deparser leaves INCLUDE out of a unique constraint; nothing must be lost that way without a word. */
  const LOSSY = 'UNIQUE (name) INCLUDE (id)'

  test('is refused with the text that came out, and what to do', () => {
    const error = thrownBy(() => rewriteConstraint(LOSSY, { from: 'name', to: 'full_name' }))
    expect(error.code).toBe('plan_refused')
    expect(error.message).toBe(
      'The definition "ALTER TABLE t ADD CONSTRAINT c UNIQUE (full_name)" cannot be carried to another column faithfully.',
    )
    expect(error.hint).toBe(
      'Drop that object for the time of the migration, or rename the column "name" by hand.',
    )
  })
})

describe('the server', () => {
  const NEW_NAME = `new "co'l`

  test('prints each index of the corpus like that, and the rewritten one as if its column had been renamed', async () => {
    const { query } = await testDatabase(CORPUS_SCHEMA, 'begin')
    for (const [printed, column] of INDEX_REWRITINGS) {
      await query(`savepoint before; set local search_path = ''; ${printed}`)
      expect(await definitionOf('by_name')).toBe(printed)
      await query(
        sql`alter table public.users rename column ${id(column)} to ${id(NEW_NAME)}; alter index public.by_name rename to twin`,
      )
      const renamed = await definitionOf('twin')
      const rewritten = rewriteIndex(printed, { from: column, to: NEW_NAME }, 'twin')
      // An index cannot be built concurrently within a transaction; that word alone is left out.
      await query(`drop index public.twin; ${rewritten.replace(' CONCURRENTLY', '')}`)
      expect(await definitionOf('twin')).toBe(renamed)
      await query('rollback to before')
    }

    async function definitionOf(name: string) {
      const [row] = await query<{ text: string }>(
        sql`select pg_get_indexdef(${lit(`public.${name}`)}::regclass) as text`,
      )
      return row?.text
    }
  })

  test('prints each constraint of the corpus like that, and the rewritten one as if its column had been renamed', async () => {
    const { query } = await testDatabase(CORPUS_SCHEMA, 'begin')
    for (const [printed, column] of CONSTRAINT_REWRITINGS) {
      await query(
        `savepoint before; set local search_path = ''; alter table public.users add constraint rule ${printed}`,
      )
      expect(await definition()).toBe(printed)
      await query(sql`alter table public.users rename column ${id(column)} to ${id(NEW_NAME)}`)
      const renamed = await definition()
      const rewritten = rewriteConstraint(printed, { from: column, to: NEW_NAME })
      await query(
        `alter table public.users drop constraint rule; alter table public.users add constraint rule ${rewritten}`,
      )
      expect(await definition()).toBe(renamed)
      await query('rollback to before')
    }

    async function definition() {
      const [row] = await query<{ text: string }>(
        `select pg_get_constraintdef(oid) as text from pg_constraint where conname = 'rule'`,
      )
      return row?.text
    }
  })
})

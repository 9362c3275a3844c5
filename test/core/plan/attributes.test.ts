import { describe, expect, test } from 'vitest'
import { attributesSql } from '../../../src/core/plan/attributes.ts'
import type { Column, Grant } from '../../../src/core/schema/model.ts'
import { testDatabase } from '../../support/database.ts'
import { column, USERS } from '../../support/model.ts'

const grant = (
  grantee: string,
  privilege: Grant['privilege'] = 'SELECT',
  more: Partial<Grant> = {},
): Grant => ({
  grantee,
  toPublic: false,
  privilege,
  grantable: false,
  ...more,
})
const toPublic = grant('public', 'SELECT', { toPublic: true })

/** The statements that give a plain column what another one has. */
const given = (wants: Partial<Column>, has: Partial<Column> = {}) =>
  attributesSql(USERS, 'full_name', column('x', 'text', has), column('y', 'text', wants))

const ON = 'alter table "public"."users" alter column "full_name"'

describe('the attributes of a column', () => {
  test.each<[string, Partial<Column>, Partial<Column>, readonly string[]]>([
    ['that are the same need nothing', {}, {}, []],
    [
      'that are all the same need nothing',
      { statisticsTarget: 7, storage: 'main', comment: 'x', options: ['n_distinct=5'], grants: [toPublic] },
      { statisticsTarget: 7, storage: 'main', comment: 'x', options: ['n_distinct=5'], grants: [toPublic] },
      [],
    ],
    ['statistics target', {}, { statisticsTarget: 500 }, [`${ON} set statistics 500`]],
    ['statistics target of none', {}, { statisticsTarget: 0 }, [`${ON} set statistics 0`]],
    ['statistics target back to the default', { statisticsTarget: 500 }, {}, [`${ON} set statistics -1`]],
    ['storage', {}, { storage: 'external' }, [`${ON} set storage external`]],
    ['compression', {}, { compression: 'lz4' }, [`${ON} set compression lz4`]],
    ['compression back to the default', { compression: 'pglz' }, {}, [`${ON} set compression default`]],
    ['an option', {}, { options: ['n_distinct=-0.5'] }, [`${ON} set (n_distinct=-0.5)`]],
    [
      'options',
      {},
      { options: ['n_distinct=-0.5', 'n_distinct_inherited=100'] },
      [`${ON} set (n_distinct=-0.5, n_distinct_inherited=100)`],
    ],
    [
      'an option of another value',
      { options: ['n_distinct=7'] },
      { options: ['n_distinct=8'] },
      [`${ON} set (n_distinct=8)`],
    ],
    ['an option that goes', { options: ['n_distinct=7'] }, {}, [`${ON} reset (n_distinct)`]],
    [
      'an option that goes while another comes',
      { options: ['n_distinct=7'] },
      { options: ['n_distinct_inherited=8'] },
      [`${ON} set (n_distinct_inherited=8), alter column "full_name" reset (n_distinct)`],
    ],
    [
      'several in one statement',
      {},
      { statisticsTarget: 9, storage: 'plain', compression: 'pglz', options: ['n_distinct=1'] },
      [
        `${ON} set statistics 9, alter column "full_name" set storage plain, alter column "full_name" set compression pglz, alter column "full_name" set (n_distinct=1)`,
      ],
    ],
    [
      'a comment',
      {},
      { comment: `what it's "called" \\ by` },
      [`comment on column "public"."users"."full_name" is  e'what it''s "called" \\\\ by'`],
    ],
    ['a comment that goes', { comment: 'x' }, {}, ['comment on column "public"."users"."full_name" is null']],
    ['a grant', {}, { grants: [grant('app')] }, ['grant select ("full_name") on "public"."users" to "app"']],
    [
      'grants, each of its own',
      {},
      {
        grants: [
          grant('My "Role"', 'UPDATE'),
          grant('app', 'INSERT', { grantable: true }),
          grant('app', 'REFERENCES'),
          toPublic,
        ],
      },
      [
        'grant update ("full_name") on "public"."users" to "My ""Role"""',
        'grant insert ("full_name") on "public"."users" to "app" with grant option',
        'grant references ("full_name") on "public"."users" to "app"',
        'grant select ("full_name") on "public"."users" to public',
      ],
    ],
    [
      'a role that is called public',
      {},
      { grants: [grant('public')] },
      ['grant select ("full_name") on "public"."users" to "public"'],
    ],
    [
      'a grant that goes',
      { grants: [grant('app'), toPublic] },
      { grants: [grant('app')] },
      ['revoke select ("full_name") on "public"."users" from public'],
    ],
    [
      'a grant that may be passed on from now on',
      { grants: [grant('app')] },
      { grants: [grant('app', 'SELECT', { grantable: true })] },
      [
        'revoke select ("full_name") on "public"."users" from "app"',
        'grant select ("full_name") on "public"."users" to "app" with grant option',
      ],
    ],
    [
      'everything, in a fixed order',
      { comment: 'old' },
      { statisticsTarget: 1, comment: 'new', grants: [toPublic] },
      [
        `${ON} set statistics 1`,
        `comment on column "public"."users"."full_name" is 'new'`,
        'grant select ("full_name") on "public"."users" to public',
      ],
    ],
  ])('%s', (_what, has, wants, statements) => {
    expect(given(wants, has)).toEqual(statements)
  })

  test('are looked at, and nothing else of the column', () => {
    expect(
      given({
        nullable: false,
        default: 'x',
        collation: { namespace: 'public', name: 'c' },
        sequences: [USERS],
        identity: 'always',
      }),
    ).toEqual([])
  })
})

describe('on the server', () => {
  test('every statement is taken, and the way back leads back', async () => {
    const role = `app_${process.pid}_${Date.now()}`
    const { query } = await testDatabase('create table users (name text, full_name text)')
    await query(`create role "${role}"`)
    const has = column('full_name')
    const wants = column('name', 'text', {
      statisticsTarget: 500,
      storage: 'external',
      compression: 'pglz',
      options: ['n_distinct=-0.5'],
      comment: `it's a "comment"`,
      grants: [grant(role), grant(role, 'UPDATE', { grantable: true }), toPublic],
    })
    const seen = async () =>
      (
        await query(`select coalesce(attstattarget, -1) as target, attstorage::text, attcompression::text, attoptions,
          col_description(attrelid, attnum) as comment, attacl::text from pg_attribute
          where attrelid = 'users'::regclass and attname = 'full_name'`)
      )[0]
    const start = await seen()
    for (const statement of attributesSql(USERS, 'full_name', has, wants)) await query(statement)
    expect(await seen()).toEqual({
      target: 500,
      attstorage: 'e',
      attcompression: 'p',
      attoptions: ['n_distinct=-0.5'],
      comment: `it's a "comment"`,
      attacl: `{${role}=rw*/postgres,=r/postgres}`,
    })
    for (const statement of attributesSql(USERS, 'full_name', wants, has)) await query(statement)
    expect({ ...(await seen()), attacl: null, attoptions: null }).toEqual(start)
    await query(`drop owned by "${role}"; drop role "${role}"`)
  })
})

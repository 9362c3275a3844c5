import { describe, expect, test } from 'vitest'
import { initdbArguments } from '../../../../src/adapters/postgres/embedded/make-cluster.ts'
import { serverArguments } from '../../../../src/adapters/postgres/embedded/server-arguments.ts'

const valuesOf = (args: readonly string[], name: string): readonly string[] =>
  args.filter((each) => each.startsWith(`${name}=`)).map((each) => each.slice(name.length + 1))

describe('initdb', () => {
  const locale = process.platform === 'linux' ? 'C.UTF-8' : 'C'
  const builtin = ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', `--locale=${locale}`]

  test.each([
    [14, ['--locale=C']],
    [15, ['--locale=C']],
    [16, ['--locale=C']],
    [17, builtin],
    [18, builtin],
  ])('of %i sorts by what that major has', (major, expected) => {
    const args = initdbArguments('/data', major)
    expect(args.filter((each) => each.includes('locale'))).toEqual(expected)
    expect(args).toContain('--encoding=UTF8')
  })

  test('does not wait until everything is on disk, which may take seconds', () => {
    expect(initdbArguments('/data', 18)).toContain('--no-sync')
  })

  test('lets nobody in by rules of its own', () => {
    expect(initdbArguments('/data', 18)).toContain('--auth=reject')
  })
})

describe('the server', () => {
  test.each([
    ['temporary data', false, ['off']],
    ['kept data', true, []],
  ])('of %s is told this about fsync', (_what, kept, expected) => {
    expect(valuesOf(serverArguments('/data', kept), 'fsync')).toEqual(expected)
  })

  test('takes each setting once, the last that was given', () => {
    const args = serverArguments('/data', true, { max_connections: '7', port: '1' }, { port: '5432' })
    expect(valuesOf(args, 'max_connections')).toEqual(['7'])
    expect(valuesOf(args, 'port')).toEqual(['5432'])
  })

  test('can be told by its arguments from one that was started by hand', () => {
    expect(serverArguments('/data', true)).toContain('cluster_name=bellows')
  })
})

import type { Labels, Selector } from './objects.ts'

type Expression = NonNullable<Selector['matchExpressions']>[number]

/** Does it select these labels? Source: Kubernetes API reference, "LabelSelector". */
export function matches({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every((expression) => holds(expression, labels[expression.key]))
  )
}

/** The same as the server reads it in a query. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: Selector): string {
  const equalities = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`)
  return [...equalities, ...matchExpressions.map(expressionText)].join(',')
}

function holds({ operator, values = [] }: Expression, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}

function expressionText({ key, operator, values = [] }: Expression): string {
  switch (operator) {
    case 'In':
      return `${key} in (${values.join(',')})`
    case 'NotIn':
      return `${key} notin (${values.join(',')})`
    case 'Exists':
      return key
    case 'DoesNotExist':
      return `!${key}`
  }
}

/** Does a label selector in the words of a query select these labels? Source: Kubernetes documentation, "Labels and Selectors". */
export function selects(selector: string | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (selector === undefined || selector === '') return true
  return selector.split(/,(?![^(]*\))/).every((term) => holds(term.trim(), labels))
}

function holds(term: string, labels: Readonly<Record<string, string>>): boolean {
  const set = /^(\S+) (in|notin) \(([^)]*)\)$/.exec(term)
  if (set !== null) {
    const [, key = '', operator, values = ''] = set
    const isIn = values.split(',').includes(labels[key] ?? '')
    return operator === 'in' ? isIn : !isIn
  }
  const [key = '', value] = term.split('=')
  if (value !== undefined) return labels[key] === value
  return key.startsWith('!') ? !(key.slice(1) in labels) : key in labels
}

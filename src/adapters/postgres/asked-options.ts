/** What `options` of a URL asks the server for: `-c search_path=v1` and `--search_path=v1`. */
export function askedOptions(url: string): Readonly<Record<string, string>> {
  // Not read as a URL: one that names a socket has no host, which only the driver understands.
  const text = new URLSearchParams(url.replace(/^[^?]*/, '')).get('options') ?? ''
  return Object.fromEntries(
    [...text.matchAll(/(?:^|\s)(?:-c\s*|--)([\w.-]+)=((?:\\.|[^\s\\])*)/g)].map(
      ([, name = '', value = '']) => [name.replaceAll('-', '_'), value.replaceAll(/\\(.)/g, '$1')],
    ),
  )
}

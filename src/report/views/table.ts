/** Text of at most so many columns that a terminal does not obey: control characters become `?`. */
export const plain = (text: string, width = Infinity): string => {
  const safe = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
  const letters = [...safe]
  return letters.length > width ? `${letters.slice(0, width - 1).join('')}…` : safe
}

/** Text over several lines of at most `width` columns each, to which those after the first add this indent. */
export const wrap = (text: string, width: number, indent = ''): string => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && [...longer].length > width) {
      lines.push(line)
      line = word
    } else line = longer
  }
  lines.push(line)
  return lines.join(`\n${indent}`)
}

export interface ViewColumn {
  title: string
  width: number
  align?: 'right'
}

const fit = (text: string, { width, align }: ViewColumn): string => {
  const shown = plain(text, width)
  const space = ' '.repeat(Math.max(0, width - [...shown].length))
  return align === 'right' ? space + shown : shown + space
}

/** Rows under their titles, one space between columns. `paint` colours a whole row. */
export const textTable = (
  columns: readonly ViewColumn[],
  rows: readonly { cells: readonly string[]; paint?: (line: string) => string }[],
  dim: (line: string) => string,
): string[] => {
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, i) => fit(cells[i] ?? '', column))
      .join(' ')
      .trimEnd()
  return [
    dim(line(columns.map(({ title }) => title))),
    ...rows.map(({ cells, paint }) => (paint ?? String)(line(cells))),
  ]
}

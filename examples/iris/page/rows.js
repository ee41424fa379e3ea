const element = (name, text, attributes = {}) =>
  Object.assign(document.createElement(name), { textContent: text, ...attributes })

const textOf = (value) => (value == null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value))

/** What a person looks for comes first, and what is wide last. The first report makes the column `actual`. */
const FIRST = ['prediction', 'actual', 'confidence']
const LAST = ['timestamp', 'id']

const inOrder = (names) => [...FIRST, ...names.filter((name) => !FIRST.includes(name) && !LAST.includes(name)), ...LAST]

/** Whether a prediction was right; nothing where that is not known. */
const verdict = ({ prediction, actual }) =>
  prediction == null || actual == null ? '' : Number(prediction) === Number(actual) ? 'right' : 'wrong'

const cell = (row, name) => {
  const text = textOf(row[name])
  const className = name === 'id' ? 'id' : name === 'actual' ? verdict(row) : ''
  return element('td', text, { title: text, className })
}

/** The rows as they are in the database; the one with the id `mine` stands out. */
export const showTable = (table, rows, mine) => {
  const names = inOrder(Object.keys(rows[0]))
  const head = element('thead', '')
  head.append(element('tr', ''))
  head.firstChild.append(...names.map((name) => element('th', name, { scope: 'col' })))
  const body = element('tbody', '')
  for (const row of rows) {
    const line = element('tr', '', { className: row.id === mine ? 'mine' : '' })
    line.append(...names.map((name) => cell(row, name)))
    body.append(line)
  }
  table.replaceChildren(head, body)
}

/** How many of those whose truth is known were right. */
export const scoreText = ({ right, known }) =>
  known === 0
    ? 'What they really were is not known yet'
    : `${right} of ${known} right (${Math.round((100 * right) / known)} %)`

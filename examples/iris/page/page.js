import { drawPlot, symbol } from './plot.js'
import { scoreText, showTable } from './rows.js'

const find = (id) => document.getElementById(id)
const element = (name, text, attributes = {}) =>
  Object.assign(document.createElement(name), { textContent: text, ...attributes })

const { species, flowers, token } = await (await fetch('flowers')).json()
const known = flowers.map(({ petal, species: index }) => ({ petal, kind: species[index] }))
/** The latest prediction: its id, its species' index, and its mark in the plot. */
let latest
/** The id of the row that stands out: of a request that was refused, too. */
let mine

const drawAll = () => drawPlot(find('plot'), [...known, ...(latest?.marks ?? [])])
new window.ResizeObserver(drawAll).observe(find('plot').parentElement)
for (const kind of species) {
  const item = element('li', '')
  symbol(item, kind)
  item.append(kind)
  find('key').append(item)
}

const post = async (path, body, headers = {}) => {
  const reply = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { ok: reply.ok, id: reply.headers.get('x-prediction-id'), answer: await reply.json() }
}

const say = (className, title, text) => {
  find('answer').className = className
  find('answer').replaceChildren(element('strong', title), element('p', text, { id: 'confidence' }))
}

const choices = species.map((kind, index) => {
  const button = element('button', '', { type: 'button', onclick: () => report(index) })
  symbol(button, kind)
  button.append(kind)
  return button
})
find('truth')
  .querySelector('.choices')
  .append(...choices)

/** What the model is asked about is asked back. */
const askTruth = () => {
  find('truth').hidden = latest === undefined
  find('told').textContent = ''
  for (const button of choices) button.setAttribute('aria-pressed', 'false')
}

/** One click reports what it really was; another one corrects it. By its time one that goes back to the first is a report of its own. */
const report = async (index) => {
  const { id, prediction } = latest
  try {
    const truth = { id, actual: index, timestamp: new Date(), source: 'page' }
    const { ok, answer } = await post('actuals', truth, { authorization: `Bearer ${token}` })
    if (!ok) throw new Error(answer.error ?? answer.rejected[0].reason)
    if (latest.id !== id) return
    for (const [at, button] of choices.entries()) button.setAttribute('aria-pressed', String(at === index))
    const verdict = index === prediction ? 'was right' : `was wrong: it said ${species[prediction]}`
    find('told').textContent = `It was ${species[index]}, and the model ${verdict}.`
  } catch (error) {
    find('told').textContent = `Not reported: ${error.message}`
  }
  await showRows()
}

const toNumber = (text) => {
  const number = Number(text.replace(',', '.'))
  return text.trim() === '' || Number.isNaN(number) ? text : number
}

const measured = (form) => {
  const flower = { sepal: {}, petal: {} }
  for (const [name, value] of new window.FormData(form)) {
    const [part, side] = name.split('.')
    flower[part][side] = toNumber(value)
  }
  return flower
}

const predict = async (flower) => {
  latest = undefined
  try {
    const { ok, id, answer } = await post('predict', flower)
    mine = id
    if (!ok) return say('bad', 'Not a flower', answer.message ?? answer.error)
    const kind = species[answer.prediction]
    latest = { id, prediction: answer.prediction, marks: [{ petal: flower.petal, kind, isNew: true }] }
    say(kind, kind, 'confidence: as soon as its row is there')
  } catch (error) {
    say('bad', 'No answer', error.message)
  } finally {
    askTruth()
    drawAll()
  }
}

document.querySelector('form').addEventListener('submit', async (event) => {
  event.preventDefault()
  await predict(measured(event.target))
  await showRows()
})

let shown = ''

/** What somebody is about to copy stays. */
const isSelecting = () => {
  const selection = document.getSelection()
  return !selection.isCollapsed && find('rows').contains(selection.anchorNode)
}

const showRows = async () => {
  const { rows, score } = await (await fetch('rows')).json()
  const news = JSON.stringify([rows, score, mine])
  if (rows.length === 0 || news === shown || isSelecting()) return
  shown = news
  showTable(find('rows'), rows, mine)
  find('score').textContent = scoreText(score)
  const row = rows.find(({ id }) => id === latest?.id)
  if (row?.confidence != null) find('confidence').textContent = `confidence: ${Math.round(row.confidence * 100)} %`
}
const look = () => showRows().catch(() => {})
await look()
window.setInterval(() => document.hidden || look(), 500)

/** Each species has a shape as well as a colour. */
const shapes = {
  setosa: (x, y, r) => ['circle', { cx: x, cy: y, r }],
  versicolor: (x, y, r) => ['rect', { x: x - r, y: y - r, width: 2 * r, height: 2 * r }],
  virginica: (x, y, r) => ['path', { d: `M${x} ${y - 1.3 * r}L${x + 1.2 * r} ${y + r}H${x - 1.2 * r}Z` }],
}

const draw = (parent, name, attributes, text) => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value)
  if (text !== undefined) node.textContent = text
  parent.append(node)
  return node
}

const mark = (parent, kind, x, y, r, classes) => {
  const [name, attributes] = shapes[kind](x, y, r)
  return draw(parent, name, { ...attributes, class: `${kind} ${classes}` })
}

/** A species' mark, for a text that names it. */
export const symbol = (parent, kind) =>
  mark(draw(parent, 'svg', { viewBox: '0 0 12 12', 'aria-hidden': true }), kind, 6, 6, 4.5, '')

const MOST = { length: 7.5, width: 2.8 }
const MARGIN = { left: 45, right: 20, top: 15, bottom: 40 }

const within = (value, most) => Math.min(Math.max(value, 0), most) / most

/**
 * Draws petals at the width that there is, pixel for pixel: letters have the same size on a phone.
 * @param flowers `{ petal, kind, isNew }`, the new ones last
 */
export const drawPlot = (plot, flowers) => {
  const width = Math.max(plot.clientWidth, 240)
  const height = Math.round(Math.min(width * 0.6, 400)) + 60
  const x = (length) => MARGIN.left + within(length, MOST.length) * (width - MARGIN.left - MARGIN.right)
  const bottom = height - MARGIN.bottom
  const y = (petalWidth) => bottom - within(petalWidth, MOST.width) * (bottom - MARGIN.top)
  const size = width < 480 ? 3 : 4

  plot.replaceChildren()
  plot.setAttribute('viewBox', `0 0 ${width} ${height}`)
  for (let cm = 0; cm <= 7; cm++) {
    draw(plot, 'line', { class: 'axis', x1: x(cm), x2: x(cm), y1: MARGIN.top, y2: bottom })
    draw(plot, 'text', { x: x(cm), y: bottom + 16, 'text-anchor': 'middle' }, cm)
  }
  for (let cm = 0; cm <= 2.5; cm += 0.5) {
    draw(plot, 'line', { class: 'axis', x1: MARGIN.left, x2: width - MARGIN.right, y1: y(cm), y2: y(cm) })
    draw(plot, 'text', { x: MARGIN.left - 7, y: y(cm) + 4, 'text-anchor': 'end' }, cm)
  }
  draw(plot, 'text', { x: x(MOST.length / 2), y: height - 5, 'text-anchor': 'middle' }, 'petal length, cm')
  const side = `translate(12 ${y(MOST.width / 2)}) rotate(-90)`
  draw(plot, 'text', { transform: side, 'text-anchor': 'middle' }, 'petal width, cm')
  for (const { petal, kind, isNew } of flowers) {
    const shape = mark(plot, kind, x(petal.length), y(petal.width), isNew ? 2 * size : size, isNew ? 'new' : 'flower')
    if (isNew) shape.setAttribute('data-new', kind)
  }
}

import type { Kind } from '../../../../src/report/answers.ts'
import type { Bindings, Words } from '../../report/words.ts'

/** MySQL's and MariaDB's SQL: what works on both. */

const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``

const kindOf = (type: string): Kind | undefined => {
  if (/^(tinyint\(1\)|bool)/.test(type)) return 'boolean'
  if (type === 'json') return 'json'
  if (/^(datetime|timestamp|date\b)/.test(type)) return 'time'
  if (/^(tinyint|smallint|mediumint|int|bigint|float|double|decimal|numeric|real|year)/.test(type)) return 'number'
  return /blob|binary|bit/.test(type) ? 'json' : 'category'
}

/** Without an exponent it would be a decimal, which is converted anew for each row. */
const double = (value: number): string => (/e/.test(String(value)) ? String(value) : `${value}e0`)

/** Seconds since 1970: of times in UTC, whatever the session's zone. */
const seconds = (column: string): string =>
  `(timestampdiff(microsecond, timestamp'1970-01-01 00:00:00', ${column}) / 1e6)`

/** `$."sepal"."length"`, `$[0]`: the way to a member. A step that is a number may be an array's, or an object's own. */
const pathOf = (steps: readonly string[]): string =>
  `$${steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${JSON.stringify(step)}`)).join('')}`

const memberAt = (column: string, steps: readonly string[], bindings: Bindings): string =>
  steps.length === 0 ? column : `json_extract(${column}, ${bindings.bind(pathOf(steps))})`

const NUMBERS = "('INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL')"
const SCALARS = "('INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL', 'STRING', 'BOOLEAN')"
const TIME = '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]'

/** MySQL compares texts by the column's collation, which may take no notice of case: a report tells values apart as they are. */
const exact = (text: string): string => `convert(${text} using utf8mb4) collate utf8mb4_bin`

export const words: Words = {
  quote,
  placeholder: () => '?',
  double,
  kindOf,
  // It reads texts as times itself.
  isTime: (type) => ['time', 'category'].includes(kindOf(type) ?? ''),
  timeType: 'datetime(6)',
  countBelow: (value, edges) =>
    edges.length === 0
      ? `case when ${value} is not null then 0 end`
      : `case when ${value} is not null then interval(${value}, ${edges.map(double).join(', ')}) end`,
  countBefore: (timestamp, instants) =>
    `interval(${seconds(timestamp)}, ${instants.map((instant) => double(instant.getTime() / 1000)).join(', ')})`,
  number: (column, kind, type) =>
    kind === 'time' ? seconds(column) : /^(double|float)/.test(type) ? column : `(${column} + 0e0)`,
  numberIn: (column) =>
    `case when ${exact(column)} regexp '^[0-9]{1,15}([.][0-9]{1,30})?([eE][-+]?[0-9]{1,2})?$' then ${exact(column)} + 0e0 end`,
  json: (column, type) =>
    type === 'json'
      ? column
      : /text|char/.test(type)
        ? `case when json_valid(${column}) then ${column} end`
        : undefined,
  hasUnusable: (type) => /^(double|real|json)/.test(type),
  factor: (value) => value,
  text: (column, kind) =>
    kind === 'boolean' ? `case when ${column} = 1 then 'true' when ${column} = 0 then 'false' end` : exact(column),
  member(column, steps, kind, bindings) {
    const member = () => memberAt(column, steps, bindings)
    if (kind === 'number')
      return `case when json_type(${member()}) in ${NUMBERS} then json_unquote(${member()}) + 0e0 end`
    if (kind === 'time')
      return `case when json_unquote(${member()}) regexp '${TIME}' then ${seconds(`cast(replace(left(json_unquote(${member()}), 23), 'Z', '') as datetime(6))`)} end`
    return `case when json_type(${member()}) in ${SCALARS} then ${exact(`json_unquote(${member()})`)} end`
  },
  hasMember: (column, steps, bindings) => `json_type(${memberAt(column, steps, bindings)}) in ${SCALARS}`,
  tag: (column, name, bindings) => exact(`json_unquote(json_extract(${column}, ${bindings.bind(pathOf([name]))}))`),
  instant: (date, bindings) =>
    `cast(${bindings.bind(date.toISOString().slice(0, 23).replace('T', ' '))} as datetime(6))`,
  secondsBetween: (from, to) => `(timestampdiff(microsecond, ${from}, ${to}) / 1e6)`,
  comparable: (id) => id,
  idText: (id) => `cast(${id} as char)`,
  ordered: (id) => id,
  jsonKind: (value) =>
    `case when json_type(${value}) in ${NUMBERS} then 'number' when json_type(${value}) = 'BOOLEAN' then 'boolean' when json_type(${value}) = 'STRING' then 'category' end`,
  memberNames: (column, from) =>
    `select distinct k.name from (select ${column} as tags from ${from} limit 10000) t join json_table(json_keys(t.tags), '$[*]' columns (name varchar(500) path '$')) k limit 1000`,
  members: (rows, depth) => {
    const levels = Array.from({ length: depth }, (_, level) => levelOf(level + 1))
    const kinds = `case when json_type(j) in ${NUMBERS} then 'number' when json_type(j) = 'BOOLEAN' then 'boolean' when json_type(j) = 'STRING' then case when json_unquote(j) regexp '${TIME}' then 'time' when json_unquote(j) in ('NaN', 'Infinity', '-Infinity') then 'number' else 'category' end end`
    return `with ${[`m0 as (select cast('$' as char(2000)) as path, j from (${rows}) r0)`, ...levels].join(', ')}
      select path, kind, count(*) as n from (${Array.from({ length: depth }, (_, level) => `select path, ${kinds} as kind from m${level + 1}`).join(' union all ')}) k
      where kind is not null group by path, kind order by n desc limit 2000`
  },
  sample: (id, _, share) => `(crc32(${id}) & 1048575) < ${Math.ceil(share * 1_048_576)}`,
  latest: (rows, [key, ...order]) =>
    `(select * from (select u.*, row_number() over (partition by ${key} order by ${order.map((column) => `${column} desc`).join(', ')}) as place from (${rows}) u) v where place = 1)`,
  groupsActuals: true,
  // It makes a table of the rows: that takes less time than expressions only where many are built on one another.
  fence: (layers) => (layers > 2 ? ' limit 18446744073709551615' : ''),
  groupingSets: false,
  extra: {
    join: (column) => `join json_table(json_keys(${column}), '$[*]' columns (path varchar(500) path '$')) x`,
    path: 'x.path',
    reason: (column) =>
      `json_unquote(json_extract(json_extract(${column}, concat('$.', json_quote(x.path))), '$.reason'))`,
  },
}

/** The members of objects and of short arrays, one level further down. */
const levelOf = (level: number): string => {
  const from = `m${level - 1}`
  const member = `concat(m.path, '.', json_quote(k.name))`
  const item = `concat(m.path, '[', k.place - 1, ']')`
  const relative = `concat('$.', json_quote(k.name))`
  return `m${level} as (
    select cast(${member} as char(2000)) as path, json_extract(m.j, ${relative}) as j
      from ${from} m join json_table(json_keys(m.j), '$[*]' columns (name varchar(500) path '$')) k where json_type(m.j) = 'OBJECT'
    union all
    select cast(${item} as char(2000)) as path, json_extract(m.j, concat('$[', k.place - 1, ']')) as j
      from ${from} m join json_table(json_extract(m.j, '$'), '$[*]' columns (place for ordinality, there int exists path '$')) k where json_type(m.j) = 'ARRAY' and json_length(m.j) <= 50)`
}

/** A path of `members` as its steps. */
export const stepsOf = (path: string): string[] =>
  [...path.matchAll(/\."((?:[^"\\]|\\.)*)"|\[(\d+)\]/g)].map(([, name, place]) =>
    place === undefined ? (JSON.parse(`"${name}"`) as string) : place,
  )

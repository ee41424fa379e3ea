import type { Kind } from '../../../../src/report/answers.ts'
import { TINY } from '../../../../src/report/usable.ts'
import type { Words } from '../../report/words.ts'

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

const kindOf = (type: string): Kind | undefined => {
  // Of an array there is no single value: only whether it is there.
  if (/\[\]$|^bytea$/.test(type)) return 'json'
  if (type === 'boolean') return 'boolean'
  if (/^jsonb?$/.test(type)) return 'json'
  if (/^(timestamp|date\b)/.test(type)) return 'time'
  if (/^(smallint|integer|bigint|real|double precision|numeric)/.test(type)) return 'number'
  return 'category'
}

/** Numbers of JSON, and the texts that JSON has for those that are not finite. */
const jsonNumber = (member: string): string =>
  `case when jsonb_typeof(${member}) = 'number' then (${member} #>> '{}')::float8 when ${member} #>> '{}' in ('NaN', 'Infinity', '-Infinity') then (${member} #>> '{}')::float8 end`

/** Only what reads as a time: a cast of anything else would end the statement. */
const jsonTime = (text: string): string =>
  `case when ${text} ~ '^(\\d{4}-(0[13-9]|1[0-2])-(0[1-9]|[12]\\d|30)|\\d{4}-(0[13578]|1[02])-31|\\d{4}-02-(0[1-9]|1\\d|2[0-8])|\\d\\d(0[48]|[2468][048]|[13579][26])-02-29)T([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d(\\.\\d+)?)?(Z|[+-]\\d\\d(:?\\d\\d)?)?$' then date_part('epoch', (${text})::timestamptz) end`

const path = (steps: readonly string[]): string[] => [...steps]

export const words: Words = {
  quote,
  placeholder: (index) => `$${index}`,
  double: String,
  kindOf,
  isTime: (type) => kindOf(type) === 'time',
  timeType: 'timestamptz',
  countBelow: (value, edges, bindings) => `width_bucket(${value}, ${bindings.bind(edges)}::float8[])`,
  countBefore: (timestamp, instants, bindings) =>
    `width_bucket(${timestamp}, ${bindings.bind(instants.map((instant) => instant.toISOString()))}::timestamptz[])`,
  number: (column, kind, type) =>
    kind === 'time'
      ? `date_part('epoch', ${column})`
      : type === 'double precision'
        ? column
        : type === 'boolean'
          ? `${column}::int::float8`
          : `${column}::float8`,
  numberIn: (column) =>
    `case when ${column}::text ~ '^[0-9]{1,15}([.][0-9]{1,30})?([eE][-+]?[0-9]{1,2})?$' then ${column}::text::float8 end`,
  // Of a text the server can't say whether it is JSON, before PostgreSQL 16.
  json: (column, type) => (type === 'jsonb' ? column : type === 'json' ? `${column}::jsonb` : undefined),
  hasUnusable: (type) => /^(real|double|numeric|json|timestamp|date)/.test(type),
  factor: (value) => `case when abs(${value}) < ${TINY} then 0 else ${value} end`,
  text: (column, kind, type) =>
    kind === 'boolean' && type !== 'boolean'
      ? `case when ${column} = 1 then 'true' when ${column} = 0 then 'false' end`
      : `${column}::text`,
  member(column, steps, kind, bindings) {
    const member = `(${column}::jsonb #> ${bindings.bind(path(steps))}::text[])`
    if (kind === 'number') return jsonNumber(member)
    const text = `(${member} #>> '{}')`
    if (kind === 'time') return jsonTime(text)
    return `case when jsonb_typeof(${member}) in ('string', 'number', 'boolean') then ${text} end`
  },
  hasMember: (column, steps, bindings) =>
    `jsonb_typeof(${column}::jsonb #> ${bindings.bind(path(steps))}::text[]) in ('string', 'number', 'boolean')`,
  tag: (column, name, bindings) => `(${column} ->> ${bindings.bind(name)})`,
  instant: (date, bindings) => `${bindings.bind(date.toISOString())}::timestamptz`,
  secondsBetween: (from, to) => `date_part('epoch', ${to} - ${from})`,
  comparable: (id, type, as) => (type === 'uuid' && as !== 'uuid' ? `${id}::text` : id),
  idText: (id) => `(${id})::text`,
  // uuids have an order, but no least one.
  ordered: (id) => `(${id})::text`,
  jsonKind: (value) =>
    `case jsonb_typeof(${value}::jsonb) when 'number' then 'number' when 'boolean' then 'boolean' when 'string' then 'category' end`,
  memberNames: (column, from) =>
    `select distinct key from (select ${column} as tags from ${from} limit 10000) t cross join lateral jsonb_object_keys(case when jsonb_typeof(tags) = 'object' then tags else '{}' end) as k(key) limit 1000`,
  members: (rows, depth) => `
    with recursive s as (${rows}), m(path, j) as (
      select array[]::text[], j::jsonb from s
      union all
      select m.path || e.key, e.value from m cross join lateral (
        select key, value from jsonb_each(case when jsonb_typeof(m.j) = 'object' then m.j else '{}' end)
        union all
        select (place - 1)::text, value from jsonb_array_elements(case when jsonb_typeof(m.j) = 'array' and jsonb_array_length(m.j) <= 50 then m.j else '[]' end) with ordinality as a(value, place)
      ) e where cardinality(m.path) < ${depth}
    )
    select path, kind, count(*) from (
      select path, case jsonb_typeof(j) when 'number' then 'number' when 'boolean' then 'boolean' when 'string' then
        case when j #>> '{}' ~ '^\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d' then 'time' when j #>> '{}' in ('NaN', 'Infinity', '-Infinity') then 'number' else 'category' end end as kind
      from m where cardinality(path) > 0) k
    where kind is not null group by path, kind order by 3 desc limit 2000`,
  sample: (id, type, share) =>
    `(${type === 'uuid' ? `uuid_hash_extended(${id}, 0)` : `hashtextextended(${id}::text, 0)`} & 1048575) < ${Math.ceil(share * 1_048_576)}`,
  latest: (rows, [key, ...order]) =>
    // In the order of the index of actuals, so that nothing is sorted, and predictions, in the order of their ids, can be merged with them. Of a plain
    // "is null" the planner expects hardly a row, and would keep all in a hash table.
    `(select * from (select u.*, lead(${key}) over (partition by ${key} order by ${order.join(', ')}) as later from (${rows}) u) v where case when later is null then true else false end)`,
  groupsActuals: false,
  fence: () => ' offset 0',
  groupingSets: true,
  extra: {
    join: (column) =>
      `cross join lateral jsonb_each(case when jsonb_typeof(${column}) = 'object' then ${column} else '{}' end) as x(path, entry)`,
    path: 'x.path',
    reason: () => "case when jsonb_typeof(x.entry) = 'object' then x.entry ->> 'reason' end",
  },
}

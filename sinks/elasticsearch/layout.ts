import type { Client } from '@elastic/elasticsearch'
import { send, type Request } from './client.ts'
import {
  compare,
  countFields,
  LIMIT,
  limitFor,
  limitOf,
  mergeMappings,
  patternOf,
  templateOf,
  type Fields,
  type Mappings,
  type IndexSettings,
  type Template,
} from './mappings.ts'

/** What has to be sent before records fit, and what stands in the way. */
export interface Changes {
  readonly requests: readonly Request[]
  readonly problems: readonly string[]
}

/** What GET gives and PUT does not take. */
const withoutDates = (template: Template): Template =>
  Object.fromEntries(
    Object.entries(template).filter(([name]) => !/^(created|modified)_date/.test(name)),
  ) as unknown as Template

const templatePath = (prefix: string): string => `/_index_template/${encodeURIComponent(prefix)}`

const anotherPrefix = (prefix: string): string => `choose another prefix than ${prefix}`

/** Compares the index template with the fields wanted. One that is there is added to, never replaced. */
export const templateChanges = async (client: Client, prefix: string, fields: Fields): Promise<Changes> => {
  const path = templatePath(prefix)
  const answer = (await send(client, { method: 'GET', path })) as
    { index_templates: { index_template: Template }[] } | undefined
  const there = answer?.index_templates[0]?.index_template
  if (there === undefined)
    return { requests: [{ method: 'PUT', path, body: templateOf(prefix, fields) }], problems: [] }

  const problems: string[] = []
  if (![there.index_patterns].flat().includes(patternOf(prefix)))
    problems.push(`the index template ${prefix} is not for ${patternOf(prefix)}: rename it, or choose another prefix`)
  const { missing, problems: differences } = compare(fields, there.template?.mappings?.properties)
  for (const difference of differences)
    problems.push(`index template ${prefix}: ${difference}; ${anotherPrefix(prefix)}, or change it there (PUT ${path})`)
  if (!missing) return { requests: [], problems }
  return { requests: [{ method: 'PUT', path, body: added(there, missing) }], problems }
}

const added = (there: Template, missing: Fields): Template => {
  const { template = {} } = there
  const properties = mergeMappings(template.mappings?.properties, missing)
  const settings = { ...template.settings, ...higherLimit(template.settings, properties) }
  const mappings = { ...template.mappings, properties }
  return { ...withoutDates(there), template: { ...template, settings, mappings } }
}

/** A higher limit of fields, where the one that is there is too low. */
const higherLimit = (settings: IndexSettings | undefined, fields: Fields): IndexSettings =>
  countFields(fields) > limitOf(settings) ? { [LIMIT]: limitFor(fields) } : {}

interface Index {
  readonly aliases: Readonly<Record<string, object>>
  readonly mappings: Mappings
  readonly settings: IndexSettings
}

/** Compares an index with the fields wanted; undefined: there is no such index. */
export const indexChanges = async (
  client: Client,
  prefix: string,
  name: string,
  fields: Fields,
  signal?: AbortSignal,
): Promise<Changes | undefined> => {
  const path = `/${encodeURIComponent(name)}`
  const answer = (await send(client, { method: 'GET', path }, signal)) as Record<string, Index> | undefined
  const there = answer?.[name]
  if (there === undefined) return undefined
  const { missing, problems } = compare(fields, there.mappings.properties)
  const alias: Request = { method: 'PUT', path: `${path}/_alias/${encodeURIComponent(prefix)}` }
  return {
    requests: [
      ...(missing ? additions(path, there, missing) : []),
      ...(Object.hasOwn(there.aliases, prefix) ? [] : [alias]),
    ],
    problems: problems.map(
      (problem) =>
        `index ${name}: ${problem}; ${anotherPrefix(prefix)}, or reindex (POST /_reindex) into an index whose fields have these types`,
    ),
  }
}

const additions = (path: string, { mappings, settings }: Index, missing: Fields): Request[] => {
  const limit = higherLimit(settings, mergeMappings(mappings.properties, missing))
  const mapping: Request = { method: 'PUT', path: `${path}/_mapping`, body: { properties: missing } }
  return LIMIT in limit ? [{ method: 'PUT', path: `${path}/_settings`, body: limit }, mapping] : [mapping]
}

/** An index with the alias' own name takes the alias' place. */
export const aliasProblems = async (client: Client, prefix: string): Promise<string[]> => {
  const path = `/${encodeURIComponent(prefix)}`
  const answer = (await send(client, { method: 'GET', path: `${path}/_mapping` })) as object | undefined
  return answer !== undefined && Object.hasOwn(answer, prefix)
    ? [`there is an index ${prefix}, and the alias of all indices needs this name: choose another prefix`]
    : []
}

import type { Client } from '@elastic/elasticsearch'
import { send, type Request } from './client.ts'
import { compare, isNeeded, mergeMappings, type Narrow } from './compare.ts'
import {
  countFields,
  LIMIT,
  limitFor,
  limitOf,
  patternOf,
  indexTemplateOf,
  type Fields,
  type Mappings,
  type IndexSettings,
  type Template,
} from './mappings.ts'

/** What has to be sent before records fit, and what stands in the way. */
export interface Changes {
  readonly requests: readonly Request[]
  readonly problems: readonly string[]
  /** What goes to `extra`, and how to change that. */
  readonly notes: readonly string[]
  /** Fields that can't hold all of our values. */
  readonly narrow: readonly Narrow[]
  /** Whether there is no template yet. */
  readonly isNew?: boolean
}

/** What GET gives and PUT does not take. */
const withoutDates = (template: Template): Template =>
  Object.fromEntries(
    Object.entries(template).filter(([name]) => !/^(created|modified)_date/.test(name)),
  ) as unknown as Template

const templatePath = (prefix: string): string => `/_index_template/${encodeURIComponent(prefix)}`

/** In words: what stands in the way, and what works and could be better. */
const told = (where: string, narrow: readonly Narrow[], fix: string): Pick<Changes, 'problems' | 'notes'> => {
  const needed = narrow.filter(({ path }) => isNeeded(path))
  const useless = narrow.filter(({ path, fit }) => fit === 'none' && !isNeeded(path))
  return {
    problems: needed.map(
      ({ path, type, wanted }) =>
        `${where}: the field ${path.join('.')} is of type ${type} and must be ${wanted}; ${fix}`,
    ),
    notes: useless.map(
      ({ path, type, wanted }) =>
        `${where}: the field ${path.join('.')} is of type ${type}, which holds no ${wanted}: values go to extra; to change that ${fix}`,
    ),
  }
}

const anotherPrefix = (prefix: string): string => `choose another prefix than ${prefix}`

/** Compares the index template with the fields wanted. One that is there is added to, never replaced. */
export const templateChanges = async (client: Client, prefix: string, fields: Fields): Promise<Changes> => {
  const path = templatePath(prefix)
  const answer = (await send(client, { method: 'GET', path })) as
    { index_templates: { index_template: Template }[] } | undefined
  const there = answer?.index_templates[0]?.index_template
  if (there === undefined)
    return {
      requests: [{ method: 'PUT', path, body: indexTemplateOf(prefix, fields) }],
      problems: [],
      notes: [],
      narrow: [],
      isNew: true,
    }

  const problems: string[] = []
  if (![there.index_patterns].flat().includes(patternOf(prefix)))
    problems.push(`the index template ${prefix} is not for ${patternOf(prefix)}: rename it, or choose another prefix`)
  const { missing, narrow } = compare(fields, there.template?.mappings?.properties)
  const found = told(`index template ${prefix}`, narrow, `${anotherPrefix(prefix)}, or change it there (PUT ${path})`)
  return {
    requests: missing ? [{ method: 'PUT', path, body: added(there, missing) }] : [],
    problems: [...problems, ...found.problems],
    notes: found.notes,
    narrow,
  }
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
  const { missing, narrow } = compare(fields, there.mappings.properties)
  const alias: Request = { method: 'PUT', path: `${path}/_alias/${encodeURIComponent(prefix)}` }
  return {
    requests: [
      ...(missing ? additions(path, there, missing) : []),
      ...(Object.hasOwn(there.aliases, prefix) ? [] : [alias]),
    ],
    ...told(
      `index ${name}`,
      narrow,
      `${anotherPrefix(prefix)}, or reindex (POST /_reindex) into an index whose fields have these types`,
    ),
    narrow,
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

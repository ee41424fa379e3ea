// Knex's types leave out its dialects, which are made to be extended: https://knexjs.org/guide/extending.html
declare module 'knex/lib/dialects/*' {
  import type { Knex } from 'knex'

  export default class Client extends Knex.Client {
    connectionSettings: object
    acquireRawConnection(): Promise<unknown>
    _driver(): unknown
    _query(connection: unknown, query: KnexQuery): Promise<KnexQuery>
  }

  export interface KnexQuery {
    readonly sql: string
    readonly bindings?: readonly unknown[]
    response?: unknown
  }
}

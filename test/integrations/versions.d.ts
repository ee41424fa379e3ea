/** The older versions, under aliases: the types of the newer ones serve for what the tests use. */
declare module 'express4' {
  export { default } from 'express'
}
declare module 'koa2' {
  export { default } from 'koa'
}
declare module 'compression' {
  import type { RequestHandler } from 'express'
  export default function compression(options?: { threshold?: number }): RequestHandler
}
declare module 'method-override' {
  import type { RequestHandler } from 'express'
  export default function methodOverride(header: string): RequestHandler
}
declare module 'koa-methodoverride' {
  import type { Middleware } from 'koa'
  export default function methodOverride(): Middleware
}

/** The handle of the request's prediction: `req.prediction`, `ctx.prediction`, `request.prediction`. */
export interface Prediction {
  /** Its id, a UUIDv7, also in the reply's header `X-Prediction-Id`. In a batch: of the first instance. */
  readonly id: string

  /**
   * Stores outputs although the reply does not carry them. They win over the reply's members of the same name.
   * In a batch of n instances: an array of n objects gives each instance its own; in an object, an array of n values likewise;
   * anything else goes to every instance. What is given is copied at the call.
   * @example req.prediction?.set({ confidence: 0.97 })
   */
  set(outputs: Readonly<Record<string, unknown>> | readonly Readonly<Record<string, unknown>>[]): void

  /**
   * Stores labels beside the prediction, in the column `tags`.
   * @example req.prediction?.tag({ experiment: 'b' })
   */
  tag(tags: Readonly<Record<string, unknown>>): void

  /**
   * Says what went wrong, where the framework is not told: by an error layer that replies itself, as NestJS' does.
   * @example request.prediction?.fail(exception)
   */
  fail(error: unknown): void

  /** Does not store this prediction. */
  skip(): void
}

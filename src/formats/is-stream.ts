/** Whether a body is a stream: nobody but its reader may read it. */
export const isStream = (body: unknown): boolean => typeof (body as { pipe?: unknown } | null)?.pipe === 'function'

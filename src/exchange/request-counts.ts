import { conversionCounts } from '../schema/conversions.ts'

/** Counts of a capture's requests, for its stats. */
export const createRequestCounts = () => {
  const requests = { captured: 0, sampledOut: 0, skipped: 0 }
  const formats: Record<string, number> = {}
  let rejected = 0
  let faults = 0
  return {
    request: (what: keyof typeof requests) => void requests[what]++,
    format: (name: string) => void (formats[name] = (formats[name] ?? 0) + 1),
    rejected: () => ++rejected > 0,
    fault: () => void faults++,
    stats: () => ({
      requests: { seen: requests.captured + requests.sampledOut + requests.skipped, ...requests, rejected },
      formats: { ...formats },
      converted: conversionCounts(),
      faults,
    }),
  }
}

import type { Report } from '../result.ts'

/** The report for machines: JSON, in which a number that JSON has not is null. */
export const jsonView = (report: Report): string => `${JSON.stringify(report, null, 2)}\n`

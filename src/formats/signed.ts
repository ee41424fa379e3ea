/** Members that a protocol's bodies have, one of them at least: an object without any is not asked about further. */
export const SIGNED: ReadonlySet<string> = new Set([
  ...['inputs', 'instances', 'examples', 'dataframe_split', 'dataframe_records', 'input_data', 'Inputs'],
  ...['data', 'jsonData', 'strData', 'binData', 'messages', 'prompt', 'input'],
])

/** More values than this in one array of an instance are not features of their own. Longer ones are shortened. */
export const MAX_VALUES = 4_096

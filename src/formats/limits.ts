/** More values than this in one array of an instance are not features of their own. Longer ones are shortened. */
export const MAX_VALUES = 4_096

/** Longer strings (images in base64) are stored by their digest, in UTF-16 code units. */
export const MAX_STRING = 64 * 1024

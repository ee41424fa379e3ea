/** https://www.sqlite.org/optoverview.html#disqualifying_where_clause_terms_using_unary_ */
export const unindexed = (quoted: string): string => `+${quoted}`

const fixes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'is the server running, and do host and port fit?',
  ENOTFOUND: 'is the host name right?',
  EAI_AGAIN: 'is the host name right, and the network there?',
  ETIMEDOUT: 'does a firewall let it through?',
}

/** What helps against an error of the network, by its words: each has Node.js' code in it. */
export const networkFix = (words: string): string | undefined =>
  Object.entries(fixes).find(([code]) => words.includes(code))?.[1]

// canary: lint no-misused-promises
async function isAllowed(): Promise<boolean> {
  return false
}

export const answer = (): string => (isAllowed() ? 'yes' : 'no')

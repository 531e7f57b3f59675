// canary: lint switch-exhaustiveness-check
export function colour(state: 'go' | 'stop'): string {
  switch (state) {
    case 'go':
      return 'green'
  }
  return 'none'
}

// canary: lint no-cycle
import type { A } from './cycle-a.ts'

export const b = (a: A): string => a.b

// canary: lint no-cycle
import { b } from './cycle-b.ts'

export interface A {
  readonly b: string
}

export const a = (): A => ({ b: b({ b: '' }) })

// canary: none
import { storesNothing } from '#src/adapters/clean.ts'

process.exitCode = storesNothing ? 0 : 1

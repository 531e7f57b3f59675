// canary: none
import { double } from '#src/core/clean.ts'
import { asked } from '#src/core/dead-export.ts'

process.exitCode = double(asked - 1)

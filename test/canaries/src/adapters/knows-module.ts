// canary: lint no-restricted-imports
import '#src/modules/meters/meters.ts'

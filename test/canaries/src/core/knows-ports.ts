// canary: lint no-restricted-imports
import '#src/ports/cache.ts'

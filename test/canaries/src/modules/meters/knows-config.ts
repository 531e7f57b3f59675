// canary: lint no-restricted-imports
import '#src/config/environment.ts'

// canary: lint no-restricted-imports
import '#src/roles/embedded.ts'

// canary: lint no-restricted-imports
import '#src/http/server.ts'

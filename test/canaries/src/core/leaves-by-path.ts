// canary: lint no-restricted-imports
import '../http/server.ts'

// canary: lint no-restricted-imports
import '../accounts/queries.ts'

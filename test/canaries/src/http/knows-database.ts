// canary: lint no-restricted-imports
import '#src/database/database.ts'

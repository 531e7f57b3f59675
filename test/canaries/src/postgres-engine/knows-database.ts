// canary: lint no-restricted-imports
import '#src/database/migrate.ts'

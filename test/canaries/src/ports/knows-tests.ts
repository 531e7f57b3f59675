// canary: lint no-restricted-imports
import '#test/support/database.ts'

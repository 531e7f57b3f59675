// canary: lint no-restricted-imports
import '#src/adapters/broker/memory.ts'

// canary: lint no-restricted-imports
import '#src/celery/worker.ts'

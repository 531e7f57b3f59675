import { defineErrors } from '#src/core/errors.ts'

export const auditErrors = defineErrors('audit', {
  emptyRange: [
    'invalid',
    'L’instant `from` doit précéder l’instant `to`, qui est exclu.',
    'The instant `from` must come before the instant `to`, which is exclusive.',
  ],
})

import { defineErrors } from '#src/core/errors.ts'

export const auditErrors = defineErrors('audit', {
  emptyRange: [
    'invalid',
    'L’instant `from` doit précéder l’instant `to`, qui est exclu.',
    'The instant `from` must come before the instant `to`, which is exclusive.',
  ],
  readNotWritten: [
    'unavailable',
    'Cette consultation n’a pas pu être inscrite au journal d’audit\u{a0}: elle est refusée. Réessayez dans quelques secondes.',
    'This look could not be written into the audit log, so it is refused. Try again in a few seconds.',
  ],
})

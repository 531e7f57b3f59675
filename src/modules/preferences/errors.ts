import { defineErrors } from '#src/core/errors.ts'

export const preferenceErrors = defineErrors('preferences', {
  notMuteable: [
    'unprocessable',
    'Un de ces types ne peut pas être désactivé\u{a0}: retirez-le de muted_types.',
    'One of these types cannot be turned off: take it out of muted_types.',
  ],
  emptyQuietHours: [
    'unprocessable',
    'Les heures calmes commencent et finissent à la même heure\u{a0}: changez l’une des deux, ou envoyez null pour n’en avoir aucune.',
    'The quiet hours begin and end at the same time: change one of the two, or send null to have none.',
  ],
})

import { defineErrors } from '#src/core/errors.ts'

export const exportErrors = defineErrors('export', {
  tooLarge: [
    'invalid',
    'Cet export compte trop de recharges et de factures\u{a0}: raccourcissez la période, ou demandez un seul compteur avec `meter_id`.',
    'This export has too many purchases and bills: shorten the range, or ask for one meter with `meter_id`.',
  ],
  tooMany: [
    'rate_limited',
    'Vous avez déjà plusieurs exports en cours\u{a0}: attendez la fin de l’un d’eux, puis réessayez.',
    'You have several exports under way: wait until one of them has ended, then try again.',
  ],
  busy: [
    'unavailable',
    'Trop d’exports en cours en ce moment\u{a0}: réessayez dans quelques secondes.',
    'Too many exports at the moment: try again in a few seconds.',
  ],
})

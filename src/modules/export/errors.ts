import { defineErrors } from '#src/core/errors.ts'

export const exportErrors = defineErrors('export', {
  tooLarge: [
    'invalid',
    'Cet export compte trop de recharges et de factures\u{a0}: raccourcissez la période, ou demandez un seul compteur avec `meter_id`.',
    'This export has too many purchases and bills: shorten the range, or ask for one meter with `meter_id`.',
  ],
})

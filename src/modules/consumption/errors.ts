import { type AppError, defineErrors } from '#src/core/errors.ts'

export const consumptionErrors = defineErrors('consumption', {
  sourceUnavailable: [
    'unavailable',
    'Les données de consommation sont momentanément indisponibles\u{a0}: réessayez dans quelques instants.',
    'Consumption data are unavailable at the moment: try again shortly.',
  ],
  meterNotFound: [
    'not_found',
    'Ce compteur n’existe pas ou n’est pas lié à ce compte\u{a0}: retirez `meter_id` pour voir tous les compteurs du compte, puis prenez-en un.',
    'There is no such meter, or it is not linked to this account: leave `meter_id` out to see all meters of the account, then take one of them.',
  ],
  emptyRange: [
    'invalid',
    'La date `from` doit précéder la date `to`, qui est exclue\u{a0}; sans `to`, la période finit avec le mois en cours.',
    'The date `from` must come before the date `to`, which is exclusive; without `to` the range ends with the current month.',
  ],
  rangeTooLong: [
    'invalid',
    'La période demandée dépasse 10 ans\u{a0}: raccourcissez-la.',
    'The range is longer than 10 years: shorten it.',
  ],
  rangeAhead: [
    'invalid',
    'Cette période n’a pas encore commencé\u{a0}: choisissez une date `from` au plus tard aujourd’hui.',
    'This range has not begun yet: choose a date `from` that is today or earlier.',
  ],
  rangeOutOfReach: [
    'invalid',
    'Les dates doivent se situer entre 1990 et 2099.',
    'The dates must lie between 1990 and 2099.',
  ],
})

/** Nothing is known of any meter, and its source is not to be had: an answer would say nothing but zeros. */
export function nothingKnown(): AppError {
  return consumptionErrors.sourceUnavailable({ retryAfterSeconds: 5 })
}

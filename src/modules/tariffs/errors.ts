import { defineErrors } from '#src/core/errors.ts'

export const tariffErrors = defineErrors('tariffs', {
  oneQuantity: [
    'invalid',
    'Indiquez un montant (amount_xof) ou une énergie (energy_kwh): l’un des deux, pas les deux.',
    'Give an amount (amount_xof) or an energy (energy_kwh): one of the two, not both.',
  ],
  oneSubject: [
    'invalid',
    'Indiquez un compteur (meter_id) seul, ou class, mode, phase, month_to_date_kwh et first_purchase_of_month.',
    'Give a meter (meter_id) alone, or class, mode, phase, month_to_date_kwh and first_purchase_of_month.',
  ],
  meterNotFound: [
    'not_found',
    "Ce compteur n'existe pas ou n'est pas lié à ce compte.",
    'There is no such meter, or it is not linked to this account.',
  ],
  unknownTariff: ['unprocessable', "Aucun tarif n'est connu pour cette date.", 'No tariff is known for this date.'],
  postpaidNotSimulated: [
    'unprocessable',
    'Seul le prépayé (Woyofal) peut être estimé: pour une facture, voyez ses tranches et ses montants.',
    'Only prepaid (Woyofal) can be estimated: for a bill, see its tranches and amounts.',
  ],
  unknownMeterClass: [
    'unprocessable',
    "La classe tarifaire de ce compteur n'est pas connue: indiquez class, mode et phase.",
    'The tariff class of this meter is not known: give class, mode and phase.',
  ],
  amountOutOfReach: [
    'unprocessable',
    'Cette énergie coûterait plus de 10 000 000 F: réduisez-la.',
    'This energy would cost more than 10,000,000 F: reduce it.',
  ],
})

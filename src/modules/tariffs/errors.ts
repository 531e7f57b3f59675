import { defineErrors } from '#src/core/errors.ts'

export const tariffErrors = defineErrors('tariffs', {
  oneQuantity: [
    'invalid',
    'Indiquez un montant (amount_xof) ou une énergie (energy_kwh)\u{a0}: l’un des deux, pas les deux.',
    'Give an amount (amount_xof) or an energy (energy_kwh): one of the two, not both.',
  ],
  oneSubject: [
    'invalid',
    'Indiquez un compteur (meter_id) seul, ou class, mode, phase, month_to_date_kwh et first_purchase_of_month.',
    'Give a meter (meter_id) alone, or class, mode, phase, month_to_date_kwh and first_purchase_of_month.',
  ],
  meterNotFound: [
    'not_found',
    'Ce compteur n’existe pas ou n’est pas lié à ce compte\u{a0}: prenez un `id` de GET /api/meters, ou indiquez class, mode, phase, month_to_date_kwh et first_purchase_of_month.',
    'There is no such meter, or it is not linked to this account: take an `id` of GET /api/meters, or give class, mode, phase, month_to_date_kwh and first_purchase_of_month.',
  ],
  unknownTariff: [
    'unprocessable',
    'Aucun tarif n’est connu pour cette date\u{a0}: choisissez un jour de `known_from` à `known_to`.',
    'No tariff is known for this date: choose a day from `known_from` to `known_to`.',
  ],
  postpaidNotSimulated: [
    'unprocessable',
    'Une facture ne peut pas être estimée, car il n’est pas publié si ses tranches valent pour un mois ou pour deux\u{a0}: voyez les tranches et les montants des factures reçues. Seul le prépayé (Woyofal) peut être estimé.',
    'A bill cannot be estimated, because it is not published whether its tranches are those of one month or of two: see the tranches and amounts of the bills received. Only prepaid (Woyofal) can be estimated.',
  ],
  unknownMeterClass: [
    'unprocessable',
    'La classe tarifaire de ce compteur n’est pas connue\u{a0}: pour une estimation, indiquez class, mode, phase, month_to_date_kwh et first_purchase_of_month.',
    'The tariff class of this meter is not known: for an estimate, give class, mode, phase, month_to_date_kwh and first_purchase_of_month.',
  ],
  amountOutOfReach: [
    'unprocessable',
    'Cette énergie coûterait plus de 10\u{202f}000\u{202f}000\u{a0}F\u{a0}: réduisez-la.',
    'This energy would cost more than 10,000,000 F: reduce it.',
  ],
})

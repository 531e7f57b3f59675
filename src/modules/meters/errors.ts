import { defineErrors } from '#src/core/errors.ts'

export const meterErrors = defineErrors('meters', {
  notPrepaid: [
    'unprocessable',
    "Ce compteur n'est pas un Woyofal: il a des factures, pas de recharges.",
    'This is no Woyofal meter: it has bills, not purchases.',
  ],
  notPostpaid: [
    'unprocessable',
    'Ce compteur est un Woyofal: il a des recharges, pas de factures.',
    'This is a Woyofal meter: it has purchases, not bills.',
  ],
})

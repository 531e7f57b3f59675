import { defineErrors } from '#src/core/errors.ts'

export const meterErrors = defineErrors('meters', {
  notPrepaid: [
    'unprocessable',
    'Ce compteur n’est pas un Woyofal\u{a0}: il a des factures, pas de recharges.',
    'This is no Woyofal meter: it has bills, not purchases.',
  ],
  notPostpaid: [
    'unprocessable',
    'Ce compteur est un Woyofal\u{a0}: il a des recharges, pas de factures.',
    'This is a Woyofal meter: it has purchases, not bills.',
  ],
  unknownNumber: [
    'not_found',
    'Ce numéro ne correspond à aucun compteur\u{a0}: vérifiez-le sur une recharge ou une facture, et le numéro de police avec lui.',
    'No meter has this number: compare it with a purchase or a bill, and the police number with it.',
  ],
  policeNeeded: [
    'unprocessable',
    'Ce numéro de compteur a servi à plusieurs contrats\u{a0}: indiquez aussi le numéro de police (police).',
    'This meter number has served several contracts: give the police number (police) as well.',
  ],
  registerUnavailable: [
    'unavailable',
    'Le fichier des compteurs ne répond pas en ce moment\u{a0}: votre numéro n’est pas en cause. Réessayez dans quelques instants.',
    'The register of meters does not answer at the moment: nothing is wrong with your number. Try again shortly.',
  ],
  registerUnreadable: [
    'unavailable',
    'Ce compteur est mal enregistré chez Senelec\u{a0}: adressez-vous à votre agence.',
    'The record of this meter at Senelec cannot be read: ask at your agency.',
  ],
  customersUnavailable: [
    'unavailable',
    'Vos contrats ne peuvent pas être cherchés en ce moment\u{a0}: ajoutez votre compteur par le numéro de compte contrat de votre facture, ou réessayez dans quelques instants.',
    'Your contracts cannot be looked up at the moment: add your meter by the contract account on your bill, or try again shortly.',
  ],
  alreadyLinked: [
    'conflict',
    'Ce compteur est déjà dans votre liste\u{a0}: il n’y a rien à faire.',
    'This meter is in your list already: nothing has to be done.',
  ],
  askedTooSoon: [
    'rate_limited',
    'Cet accès a été refusé ou retiré récemment\u{a0}: vous pourrez le demander à nouveau après une journée.',
    'This access was refused or ended of late: you can ask for it again after a day.',
  ],
  tooManyRequests: [
    'conflict',
    'Vous avez fait trop de demandes\u{a0}: attendez les réponses, ou demain.',
    'You have made too many requests: wait for the answers, or until tomorrow.',
  ],
  hasOwner: [
    'conflict',
    'Ce compteur a maintenant un propriétaire\u{a0}: ajoutez-le à nouveau pour lui demander accès.',
    'This meter has an owner now: add it again to ask for access.',
  ],
  ownerDecides: [
    'conflict',
    'Ce compteur a un propriétaire\u{a0}: c’est à lui de décider.',
    'This meter has an owner, who decides.',
  ],
  notAShare: [
    'conflict',
    'Ce lien est celui du propriétaire, pas un partage\u{a0}: il se prouve par un code, et se retire par DELETE /api/meters/{id}.',
    'This link is the owner’s, not a share: it is proven by a code, and removed by DELETE /api/meters/{id}.',
  ],
  notInThatState: [
    'conflict',
    'Ce n’est pas possible dans l’état actuel de ce lien (state)\u{a0}: une demande en attente s’accepte ou se refuse, un partage accepté se retire.',
    'This is not possible in the present state of this link (state): a pending request is accepted or refused, an accepted share is revoked.',
  ],
})

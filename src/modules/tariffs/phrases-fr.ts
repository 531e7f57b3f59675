import { writtenNumbers } from '#src/core/written-numbers.ts'
import type { Phrases, TrancheWords } from './phrases.ts'

const { xof, kwh, plain, percent, day, instant } = writtenNumbers.fr

const average = (value: number | undefined): string =>
  value === undefined ? '' : `, soit ${xof(value)} le kWh en moyenne, tout compris`

function stretch({ fromKwh, toKwh }: TrancheWords): string {
  if (toKwh === undefined) return `au-delà de ${kwh(fromKwh)} achetés dans le mois`
  if (fromKwh === 0) return `jusqu’à ${kwh(toKwh)} achetés dans le mois`
  return `de ${plain(fromKwh)} à ${kwh(toKwh)} achetés dans le mois`
}

/** A few francs beyond a tranche buy of the next what no ticket shows. */
const sold = ({ energyKwh }: TrancheWords): string => (energyKwh === 0 ? `moins de ${kwh(0.1)}` : kwh(energyKwh))

export const frenchPhrases: Phrases = {
  buys: (amount, energy, mean) =>
    energy === 0
      ? `Avec ${xof(amount)}, vous n’obtiendriez pas ${kwh(0.1)}.`
      : `Pour ${xof(amount)}, vous obtiendriez environ ${kwh(energy)}${average(mean)}.`,
  costs: (wanted, amount, mean) => `Pour ${kwh(wanted)}, il faudrait environ ${xof(amount)}${average(mean)}.`,
  redevance: (amount, phase) =>
    `La redevance mensuelle du compteur (${phase === 'single' ? 'monophasé' : 'triphasé'}) prend ${xof(amount)}\u{a0}: elle est retenue sur le premier achat du mois.`,
  redevanceNotCovered: (due) => `Ce montant ne couvre pas la redevance entière, qui est de ${xof(due)}.`,
  redevancePaid: () =>
    'La redevance du mois a été retenue sur un achat précédent\u{a0}: tout le montant va à l’énergie et aux taxes.',
  phaseAssumed: (redevance) =>
    `Le branchement de ce compteur n’est pas connu\u{a0}: il est supposé monophasé, avec une redevance de ${xof(redevance)} par mois.`,
  tranche: (words) =>
    `Tranche ${words.number} (${stretch(words)})\u{a0}: ${xof(words.amountXof)} pour ${sold(words)}, à ${xof(words.priceXof)} le kWh hors taxes.`,
  tco: (amount, rate) =>
    `La taxe communale (TCO), ${percent(rate.rounded(6))} du prix de l’énergie, prend ${xof(amount)}.`,
  tva: (amount, rate, above) =>
    `La TVA, ${percent(rate.rounded(6))} du prix de l’énergie au-delà de ${kwh(above)} par mois, prend ${xof(amount)}.`,
  noTvaYet: (above) => `Pas de TVA ici\u{a0}: elle ne porte que sur les kWh au-delà de ${plain(above)} par mois.`,
  tvaUnknown: (tariffClass) =>
    `Aucune TVA n’est comptée, car sa règle n’est pas publiée pour la classe ${tariffClass}\u{a0}: vous pourriez recevoir moins de kWh.`,
  rounding: (amount) => `Chaque ligne est arrondie au franc\u{a0}: l’écart avec le montant est de ${xof(amount)}.`,
  moreAsFirst: (first, now, bought) =>
    `En premier achat du mois, le même montant donnerait ${kwh(first)}. Il en donne ${plain(now)} maintenant, parce que les achats de ce mois font déjà ${kwh(bought)}\u{a0}: tous les achats du mois civil remplissent les mêmes tranches, et le kWh des suivantes est plus cher. Elles repartent de zéro le 1er du mois prochain.`,
  lessAsFirst: (first) =>
    `En premier achat du mois, le même montant donnerait ${kwh(first)}, car il paierait aussi la redevance.`,
  dearerTranche: (bought, tranche) =>
    `Les achats de ce mois font déjà ${kwh(bought)}, et ce montant atteint la tranche ${tranche}, plus chère que la première\u{a0}: tous les achats du mois civil remplissent les mêmes tranches, qui repartent de zéro le 1er du mois prochain.`,
  lessAsSecond: (amount, second, first) =>
    `Un deuxième achat de ${xof(amount)} ce mois-ci donnerait ${kwh(second)} au lieu de ${plain(first)}\u{a0}: il ne paierait plus la redevance, mais tous les achats du mois civil remplissent les mêmes tranches, et le kWh des suivantes est plus cher.`,
  moreAsSecond: (amount, second) =>
    `Un deuxième achat de ${xof(amount)} ce mois-ci donnerait ${kwh(second)}, sans redevance. Quand la tranche du moment sera pleine, le même montant donnera moins de kWh, car tous les achats du mois civil comptent ensemble.`,
  belowLeastPurchase: (least) => `Le plus petit achat possible est de ${xof(least)}.`,
  stampDuty: (above) =>
    `Au-delà de ${xof(above)}, un droit de timbre dont le taux n’est pas publié peut s’ajouter\u{a0}: il n’est pas compté.`,
  debt: (debt) =>
    `Au dernier achat connu, ce compteur devait encore ${xof(debt)}\u{a0}: une part du montant peut aller à cette dette, ce qui n’est pas compté ici.`,
  knownUntil: (asOf) =>
    `Les achats de ce compteur sont connus jusqu’au ${instant(asOf)} (heure de Dakar)\u{a0}: un achat plus récent changerait le résultat.`,
  ahead: () => 'Cette date est à venir\u{a0}: les prix peuvent changer d’ici là.',
  unconfirmed: (tariffClass) => `Certains prix de la classe ${tariffClass} viennent de sources non officielles.`,
  estimate: (tariffClass, validFrom, source) =>
    `C’est une estimation, dettes non comptées, d’après le tarif ${tariffClass} prépayé en vigueur depuis le ${day(validFrom)} (${source}). Le ticket d’achat fait foi.`,
}

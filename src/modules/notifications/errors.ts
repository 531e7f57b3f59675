import { defineErrors } from '#src/core/errors.ts'

export const notificationErrors = defineErrors('notifications', {
  unknownRecipient: [
    'not_found',
    'Un destinataire au moins est introuvable, et rien n’a été envoyé\u{a0}: vérifiez les identifiants.',
    'At least one recipient does not exist, and nothing was sent: check the identifiers.',
  ],
  unknownMeter: [
    'not_found',
    'Ce compteur est introuvable, et rien n’a été envoyé\u{a0}: vérifiez son identifiant.',
    'There is no such meter, and nothing was sent: check its identifier.',
  ],
  unknownAgency: [
    'not_found',
    'Cette agence est introuvable, et rien n’a été envoyé\u{a0}: vérifiez son identifiant.',
    'There is no such agency, and nothing was sent: check its identifier.',
  ],
  noRecipient: [
    'unprocessable',
    'Personne ne suit ce compteur\u{a0}: choisissez d’autres destinataires.',
    'Nobody follows this meter: choose other recipients.',
  ],
  noCustomer: [
    'unprocessable',
    'Aucun client n’en fait partie\u{a0}: choisissez d’autres destinataires.',
    'No customer belongs to it: choose other recipients.',
  ],
  sendAtTooFar: [
    'unprocessable',
    'send_at est à plus de 90 jours\u{a0}: choisissez une date plus proche.',
    'send_at is more than 90 days ahead: choose an earlier time.',
  ],
  expiresTooEarly: [
    'unprocessable',
    'expires_at est passé, ou ne vient pas après send_at\u{a0}: choisissez une date plus tardive.',
    'expires_at has passed, or does not come after send_at: choose a later time.',
  ],
  alreadyDone: [
    'conflict',
    'Cette notification est déjà envoyée\u{a0}: elle ne peut plus être annulée.',
    'This notification has been sent already: it cannot be cancelled any more.',
  ],
  payloadTooLarge: [
    'unprocessable',
    'Le titre, le texte et les données dépassent ensemble ce qu’une notification peut porter\u{a0}: raccourcissez-les.',
    'Title, body and data together exceed what a push can carry: shorten them.',
  ],
  reservedDataKey: [
    'unprocessable',
    'Une clé de data est réservée\u{a0}: choisissez un autre nom.',
    'A key of data is reserved: choose another name.',
  ],
  invalidText: [
    'unprocessable',
    'Un texte contient un caractère qui ne peut pas être transmis (NUL, ou une moitié de caractère Unicode)\u{a0}: retirez-le.',
    'A text holds a character that cannot be sent (NUL, or half of a Unicode character): take it out.',
  ],
  idempotencyKeyReused: [
    'unprocessable',
    'Cette Idempotency-Key a déjà servi pour une autre demande\u{a0}: prenez-en une nouvelle.',
    'This Idempotency-Key was used for another request before: take a new one.',
  ],
  idempotencyKeyInFlight: [
    'conflict',
    'Une demande avec cette Idempotency-Key est en cours\u{a0}: réessayez dans un instant.',
    'A request with this Idempotency-Key is under way: try again in a moment.',
  ],
  sendingInterrupted: [
    'unavailable',
    'L’envoi a été interrompu\u{a0}; il reprendra de lui-même.',
    'The sending was interrupted; it goes on by itself.',
  ],
  invalidTask: [
    'invalid',
    'Les arguments de cette tâche ne désignent pas une notification\u{a0}: envoyez par POST /api/notifications, qui crée la tâche.',
    'The task’s arguments do not name a notification: send by POST /api/notifications, which makes the task.',
  ],
})

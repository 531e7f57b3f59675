import { defineErrors } from '#src/core/errors.ts'

export const oneTimeCodeErrors = defineErrors('one-time-codes', {
  wrongCode: [
    'unprocessable',
    'Ce code est incorrect\u{a0}: vérifiez le dernier SMS reçu.',
    'This code is wrong: look at the last text message that you received.',
  ],
  noLiveCode: [
    'unprocessable',
    'Aucun code n’est attendu\u{a0}: il a expiré, a servi ou a été essayé trop souvent. Demandez-en un autre.',
    'No code is awaited: it has expired, was used or was tried too often. Ask for another one.',
  ],
  tooMany: [
    'rate_limited',
    'Trop de codes demandés\u{a0}: attendez avant d’en demander un autre.',
    'Too many codes were asked for: wait before you ask for another one.',
  ],
  smsNotConfigured: [
    'unavailable',
    'Les codes par SMS ne sont pas en service ici\u{a0}: cette étape n’est pas possible pour le moment.',
    'Codes by text message are not in service here: this step is not possible for now.',
  ],
  smsUnavailable: [
    'unavailable',
    'Le SMS n’a pas pu être envoyé\u{a0}: demandez un autre code dans une minute.',
    'The text message could not be sent: ask for another code in a minute.',
  ],
})

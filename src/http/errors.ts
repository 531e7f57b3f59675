import { defineErrors } from '#src/core/errors.ts'

/** What the HTTP edge itself refuses; the modules have their own. */
export const httpErrors = defineErrors('http', {
  invalidRequest: [
    'invalid',
    'La requête contient des valeurs invalides\u{a0}: errors dit lesquelles, et ce qu’elles doivent être.',
    'The request has invalid values: errors says which, and what they must be.',
  ],
  malformedJson: [
    'invalid',
    'Le corps de la requête n’est pas du JSON valide\u{a0}: envoyez un objet JSON, en UTF-8.',
    'The request body is not valid JSON: send a JSON object, in UTF-8.',
  ],
  malformedRequest: [
    'invalid',
    'La requête HTTP est mal formée\u{a0}: vérifiez son adresse et ses en-têtes.',
    'The HTTP request is malformed: look at its address and its headers.',
  ],
  unsupportedMediaType: [
    'invalid',
    'Envoyez le corps en JSON, avec `Content-Type: application/json`.',
    'Send the body as JSON, with `Content-Type: application/json`.',
  ],
  bodyTooLarge: [
    'too_large',
    'Le corps de la requête est trop grand\u{a0}: envoyez au plus `most_bytes` octets.',
    'The request body is too large: send `most_bytes` bytes at most.',
  ],
  unauthenticated: [
    'unauthenticated',
    'Connectez-vous\u{a0}: un jeton d’accès valide est requis.',
    'Log in: a valid access token is needed.',
  ],
  tokenExpired: [
    'unauthenticated',
    'Le jeton d’accès a expiré\u{a0}: renouvelez-le par POST /api/refresh.',
    'The access token has expired: renew it with POST /api/refresh.',
  ],
  forbidden: [
    'forbidden',
    'Votre compte ne permet pas cette action\u{a0}: demandez-la à qui en a le droit.',
    'Your account does not allow this: ask somebody who may.',
  ],
  notFound: [
    'not_found',
    'Cette ressource est introuvable\u{a0}: vérifiez la méthode, l’adresse et l’identifiant.',
    'There is no such resource: look at the method, the address and the identifier.',
  ],
  invalidCursor: [
    'invalid',
    'Le curseur est invalide\u{a0}: reprenez la liste depuis le début.',
    'The cursor is invalid: start the list anew.',
  ],
  draining: [
    'unavailable',
    'Ce serveur est en cours d’arrêt\u{a0}: réessayez dans quelques secondes.',
    'This server is stopping: try again in a few seconds.',
  ],
  internal: [
    'internal',
    'Une erreur interne s’est produite\u{a0}; elle est enregistrée sous ce numéro de requête (request_id). Réessayez plus tard.',
    'An internal error occurred; it is recorded under this request id. Try again later.',
  ],
})

import { defineErrors } from '#src/core/errors.ts'

export const taskErrors = defineErrors('tasks', {
  resultsUnavailable: [
    'unavailable',
    'L’état des tâches n’est pas disponible en ce moment\u{a0}: réessayez dans quelques secondes.',
    'The state of tasks is not available at the moment: try again in a few seconds.',
  ],
})

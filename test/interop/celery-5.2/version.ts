/** Of the tests that are imported after this. */
process.env['INTEROP_CELERY'] = 'celery-5.2.6'

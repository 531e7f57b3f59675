#!/bin/sh
# Flower, behind accounts that cannot be guessed. Each setting comes from the environment or, as NAME_FILE, from a file:
#   FLOWER_BASIC_AUTH   who may log in: name:secret, one on a line (or between commas)
#   BROKER_URL          amqp:// of RabbitMQ
#   REDIS_URL           where results are
#   FLOWER_BROKER_API   http://name:secret@server-2:15672/api/ of RabbitMQ's management
# Nothing secret is ever an argument, where `ps` would show it. Other options of Flower: FLOWER_PORT and so on.
set -u

SHORTEST_SECRET=16

refuse() {
  printf 'flower: %s\n' "$1" >&2
  exit 78
}

# Prints the value of setting $1.
setting() {
  eval "value=\${$1-} file=\${$1_FILE-}"
  if [ -n "$file" ]; then
    [ -z "$value" ] || refuse "$1 and $1_FILE are both set: which one is meant?"
    [ -r "$file" ] || refuse "$1_FILE: $file cannot be read"
    value=$(cat "$file")
  fi
  [ -n "$value" ] || refuse "$1 is missing (or $1_FILE, the path of a file that holds it)"
  printf '%s' "$value"
}

check_account() {
  name=${1%%:*}
  secret=${1#*:}
  case $1 in
    *:*) ;;
    *) refuse 'FLOWER_BASIC_AUTH: an account is name:secret' ;;
  esac
  [ -n "$name" ] || refuse 'FLOWER_BASIC_AUTH: an account without a name'
  [ -n "$secret" ] || refuse "FLOWER_BASIC_AUTH: the secret of $name is empty"
  [ "$secret" != admin ] && [ "$secret" != "$name" ] || refuse "FLOWER_BASIC_AUTH: the secret of $name is a known default"
  [ "${#secret}" -ge "$SHORTEST_SECRET" ] ||
    refuse "FLOWER_BASIC_AUTH: the secret of $name is shorter than $SHORTEST_SECRET characters"
}

# RabbitMQ's own default account works from its own host alone, and everybody knows it.
check_address() {
  case $2 in
    *://guest:guest@*) refuse "$1 has RabbitMQ's default account" ;;
    *://*) ;;
    *) refuse "$1 is no address" ;;
  esac
}

accounts=$(setting FLOWER_BASIC_AUTH) || exit
broker=$(setting BROKER_URL) || exit
results=$(setting REDIS_URL) || exit
management=$(setting FLOWER_BROKER_API) || exit

accounts=$(printf '%s' "$accounts" | tr '\n' ',')
rest=$accounts,
while [ -n "$rest" ]; do
  check_account "${rest%%,*}"
  rest=${rest#*,}
done
check_address BROKER_URL "$broker"
check_address REDIS_URL "$results"
check_address FLOWER_BROKER_API "$management"
case $management in
  */api/) ;;
  *) refuse 'FLOWER_BROKER_API must end in /api/: without the last stroke Flower asks the wrong address' ;;
esac
[ -z "${FLOWER_UNAUTHENTICATED_API-}" ] || refuse 'FLOWER_UNAUTHENTICATED_API would let everybody stop the workers'

unset FLOWER_BASIC_AUTH_FILE BROKER_URL_FILE REDIS_URL_FILE FLOWER_BROKER_API_FILE
export FLOWER_BASIC_AUTH="$accounts" BROKER_URL="$broker" REDIS_URL="$results" FLOWER_BROKER_API="$management"
export FLOWER_PORT="${FLOWER_PORT:-5555}"
# The stub tasks are here; a flowerconfig.py of wherever this was called from must not count.
cd "$(dirname "$0")" || exit
exec "${CELERY:-celery}" -A stubs flower

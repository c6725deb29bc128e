#!/bin/sh
# `gateway`, `consumer`, `aggregator`, `notifier`, `api`: that service. Anything else: the command line.
# exec: node takes this process's place, so that it gets the signals.
case "$1" in
  gateway | consumer | aggregator | notifier | api)
    # kafkajs asks for timers in the past; Node corrects them to 1 ms and warns.
    exec node --disable-warning=TimeoutNegativeWarning "/app/services/$1/main.ts"
    ;;
  *) exec node /app/services/cli/bin/tally.js "$@" ;;
esac

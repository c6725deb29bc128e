#!/bin/sh
# `gateway`, `consumer`, `aggregator`, `notifier`, `api`: that service. Anything else: the command line.
# exec: node takes this process's place, so that it gets the signals.
early_stop=/app/infra/containers/early-stop.ts
case "$1" in
  gateway | consumer | aggregator | notifier | api)
    # kafkajs asks for timers in the past; Node corrects them to 1 ms and warns.
    exec node --disable-warning=TimeoutNegativeWarning --import "$early_stop" "/app/services/$1/main.ts"
    ;;
  *) exec node --import "$early_stop" /app/services/cli/bin/tally.js "$@" ;;
esac

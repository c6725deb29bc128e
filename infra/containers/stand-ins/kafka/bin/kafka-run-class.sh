#!/bin/bash
# shellcheck disable=SC2086
exec java ${KAFKA_HEAP_OPTS:--Xmx256m} -XX:+ExitOnOutOfMemoryError -XX:-UsePerfData \
  ${KAFKA_JVM_PERFORMANCE_OPTS--XX:TieredStopAtLevel=1} -Djava.awt.headless=true \
  "-Dlog4j2.configurationFile=${KAFKA_LOG4J_CONFIG:-/etc/kafka/docker/tools-log4j2.yaml}" ${KAFKA_OPTS:-} \
  -cp '/opt/kafka/libs/*' "$@"

#!/bin/bash
export KAFKA_LOG4J_CONFIG=/opt/kafka/config/log4j2.yaml KAFKA_HEAP_OPTS="${KAFKA_HEAP_OPTS:--Xms1G -Xmx1G}"
exec /opt/kafka/bin/kafka-run-class.sh kafka.Kafka "$@"

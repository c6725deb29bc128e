/**
 * The official images that Tally runs on, by name and tag. docker-compose.yml and the Dockerfile name the same ones
 * (a test holds them against these); stand-ins.ts builds images of the same names where they cannot be pulled.
 */
export const IMAGES = {
  node: 'node:24.21.0-bookworm-slim',
  kafka: 'apache/kafka:4.3.1',
  clickhouse: 'clickhouse/clickhouse-server:26.7',
} as const;

/** On every image that stand-ins.ts has made, so that nobody takes one for the official image. */
export const STAND_IN_LABEL = 'tally.stand-in';

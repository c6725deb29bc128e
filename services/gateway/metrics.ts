/**
 * A counter for every outcome of an event, and how many events are on their way to the log.
 */
import { Counter, Gauge, Histogram, type Registry } from '@tally/platform/http';
import type { EventAnswer } from './answer.ts';

export interface GatewayMetrics {
  countEvents: (events: readonly EventAnswer[]) => void;
  setInFlight: (events: number) => void;
  /** Of one request's events, from the first that was handed over to the last that was settled, or given up. */
  acknowledged: (seconds: number) => void;
}

/** Registers the gateway's metrics. */
export function gatewayMetrics(registry: Registry): GatewayMetrics {
  const events = new Counter({
    name: 'tally_gateway_events_total',
    help: 'Events answered, by outcome and, unless accepted, the code of the fault',
    labelNames: ['outcome', 'code'],
    registers: [registry],
  });
  const inFlight = new Gauge({
    name: 'tally_gateway_events_in_flight',
    help: 'Events handed to the log and not settled yet',
    registers: [registry],
  });
  const acknowledgement = new Histogram({
    name: 'tally_gateway_acknowledgement_seconds',
    help: 'Time from handing a request’s events to the log until all of them are acknowledged, refused or given up',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  return {
    countEvents: (answers) => {
      for (const { status, code } of answers) events.inc({ outcome: status, code: code ?? 'none' });
    },
    setInFlight: (count) => inFlight.set(count),
    acknowledged: (seconds) => acknowledgement.observe(seconds),
  };
}

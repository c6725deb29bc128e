/**
 * A counter for every outcome of an event, and how many events are on their way to the log.
 */
import { Counter, Gauge, type Registry } from '@tally/platform/http';
import type { EventAnswer } from './answer.ts';

export interface GatewayMetrics {
  countEvents: (events: readonly EventAnswer[]) => void;
  setInFlight: (events: number) => void;
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
  return {
    countEvents: (answers) => {
      for (const { status, code } of answers) events.inc({ outcome: status, code: code ?? 'none' });
    },
    setInFlight: (count) => inFlight.set(count),
  };
}

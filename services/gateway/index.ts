export type { EventAnswer, EventsBody } from './answer.ts';
export type { FaultCode } from './codes.ts';
export { gatewayConfig, stopMsMaxOf } from './config.ts';
export type { EventSink } from './deliver.ts';
export { createGateway, type GatewayLimits, type GatewayOptions } from './gateway.ts';

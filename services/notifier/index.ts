export { type NotifierConfig, notifierConfig } from './config.ts';
export { type Delivery, type DeliveryOutcome, deliveriesOf, givenUpSince, waitingDeliveries } from './deliveries.ts';
export { CHECKPOINTS, type Checkpoint } from './lane.ts';
export { requestTest } from './outbox.ts';
export { GIVE_UP_AFTER_MS } from './retry-schedule.ts';
export { type AlertTarget, alertTargets, DEFAULT_TARGETS, TARGET_KINDS } from './target.ts';
export {
  changeTargets,
  currentTargets,
  switchOffTarget,
  type TargetsChange,
  type TargetsVersion,
  targetVersions,
} from './target-store.ts';

export { ProducerError, type ProducerErrorCode } from './errors.ts';
export {
  type CustomInteractionInput,
  connectProducer,
  type InteractionInput,
  type ProducerOptions,
  type ProfileInput,
  TallyProducer,
  type VoidInput,
} from './producer.ts';

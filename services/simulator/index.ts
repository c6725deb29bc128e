export { type GenerateOptions, generateSends } from './generate.ts';
export type { EngagedFigures, MonthFigures, Outcomes } from './interaction-truth.ts';
export { type LicensedTenant, licencesFor } from './licences.ts';
export type { UnifiedFigures } from './profile-truth.ts';
export {
  type QuotaFigures,
  quotaTruth,
  type TenantQuotaFigures,
  type TrueUpFigures,
  trueUpTruth,
} from './quota-truth.ts';
export { Random } from './random.ts';
export { type SendAllOptions, type SendAllResult, sendAll } from './send-all.ts';
export type { Lane, RawRecord, RawSend, RecordSend, RefusedSend, Send } from './sends.ts';
export { Truth } from './truth.ts';

export { ACCESS_RULES } from './access-rules.ts';
export { type Api, createApi } from './api.ts';
export { type ApiConfig, apiConfig } from './config.ts';
export type { CommittedLog } from './freshness.ts';
export { KeptAnswers } from './kept-answers.ts';
export { LogVersions } from './log-versions.ts';
export { openApiDocument } from './openapi/document.ts';
export { OPERATIONS, type Operation } from './openapi/operations.ts';

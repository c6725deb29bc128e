export { type Api, createApi } from './api.ts';
export { type ApiConfig, apiConfig } from './config.ts';

/**
 * Who may ask: for now the holder of the admin key, for every tenant.
 */
import { type FastifyInstance, KeyRing } from '@tally/platform/http';

/** Refuses every request under `/v1/` that does not carry the key, before anything else is looked at. */
export function requireKey(app: FastifyInstance, adminKey: string): void {
  const keys = new KeyRing([[adminKey, 'admin' as const]]);
  app.addHook('onRequest', async (request) => {
    if (request.url.startsWith('/v1/')) keys.grantOf(request);
  });
}

/**
 * The dashboard's files at `/`, as they were built by `npm run build --workspace services/dashboard`.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { type FastifyInstance, Problem } from '@tally/platform/http';
import { DASHBOARD_POLICY } from './security-headers.ts';

const BUILT = fileURLToPath(new URL('../dashboard/dist', import.meta.url));
const YEAR_SECONDS = 31_536_000;

/** Names under `assets/` hold the hash of what is in them, so they never change; the page that names them may. */
const FOREVER = `public, max-age=${YEAR_SECONDS}, immutable`;
const ASKED_EACH_TIME = 'no-cache';

/**
 * `GET /` and the files that the page asks for. Without a build the page is answered 503 and everything else works.
 * @param built the folder with the files
 */
export function addDashboard(app: FastifyInstance, built: string = BUILT): void {
  if (!existsSync(built)) {
    app.get('/', () => {
      throw new Problem({
        status: 503,
        code: 'dashboard-not-built',
        title: 'The dashboard is not built',
        detail: 'run `npm run build --workspace services/dashboard`, and start again',
      });
    });
    return;
  }
  app.register(fastifyStatic, {
    root: built,
    preCompressed: true,
    cacheControl: false,
    decorateReply: false,
    setHeaders: (reply, path) => {
      reply.header('cache-control', path.includes('/assets/') ? FOREVER : ASKED_EACH_TIME);
      reply.header('content-security-policy', DASHBOARD_POLICY);
    },
  });
}

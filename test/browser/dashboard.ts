/**
 * The dashboard under test: its api on a system of its own, and the pages that a test has open.
 */
import { apiConfig, createApi } from '@tally/api';
import { parseConfig } from '@tally/platform/config';
import { closeHttpServer, type FastifyInstance } from '@tally/platform/http';
import { createLog } from '@tally/platform/log';
import type { Browser, Page } from 'playwright-core';
import { ADMIN_KEY, type TestSystem } from '../support/system.ts';
import { type Look, loaded, type OpenPage, openPage, signIn } from './dashboard-page.ts';

const log = createLog('test', process.env['TALLY_TEST_LOG'] ?? 'silent');

export class Dashboard {
  readonly browser: Browser;
  readonly system: TestSystem;
  url = '';
  #api: { app: FastifyInstance; close: () => Promise<void> } | undefined;
  readonly #open: OpenPage[] = [];

  constructor(browser: Browser, system: TestSystem) {
    this.browser = browser;
    this.system = system;
  }

  /** Starts the api, on the port that it had before if it had one. */
  async listen(): Promise<void> {
    this.#api = createApi({ config: parseConfig(apiConfig, this.system.env), log });
    const port = this.url === '' ? 0 : Number(new URL(this.url).port);
    this.url = await this.#api.app.listen({ host: '127.0.0.1', port });
  }

  async stop(): Promise<void> {
    if (!this.#api) return;
    const { app, close } = this.#api;
    this.#api = undefined;
    await closeHttpServer(app, 0);
    await close();
  }

  /** The sign-in page, in a browser context of its own. */
  async open(look: Partial<Look> = {}): Promise<Page> {
    const opened = await openPage(this.browser, this.url, look);
    this.#open.push(opened);
    return opened.page;
  }

  /** A page, signed in, with all its figures. */
  async enter(hash: string, key = ADMIN_KEY, look: Partial<Look> = {}): Promise<Page> {
    const page = await this.open(look);
    await signIn(page, key);
    await this.visit(page, hash);
    return page;
  }

  async visit(page: Page, hash: string): Promise<void> {
    await page.goto(`${this.url}/${hash}`);
    await loaded(page);
  }

  /** Closes what a test has open. Returns what browsers complained of, and what they asked of other hosts. */
  async closePages(): Promise<string[]> {
    const opened = this.#open.splice(0);
    for (const { context } of opened) await context.close();
    return opened.flatMap(({ complaints, strangers }) => [...complaints, ...strangers]);
  }

  /** A new key for some tenants. */
  async key(role: string, tenants: readonly string[]): Promise<string> {
    const { key } = await this.ask<{ key: string }>('/v1/keys', { name: `a ${role}`, role, tenants });
    return key;
  }

  /** The api's answer to the admin; a POST where there is a body. */
  async ask<Answer>(path: string, body?: object): Promise<Answer> {
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
    const asked = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
    return (await (await fetch(`${this.url}${path}`, asked)).json()) as Answer;
  }
}

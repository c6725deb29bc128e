/**
 * The dashboard in a real Chromium against the real stack.
 */
import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, TestSystem } from '../support/system.ts';
import { launchChromium } from './chromium.ts';
import { Dashboard } from './dashboard.ts';
import { HEIGHT, LOOKS, overflow, PHONE, signIn, violations } from './dashboard-page.ts';
import { NEARLY, OVER, PLENTY, playHistory } from './history.ts';
import { describeKeyboard } from './keyboard.ts';
import { describeRoles } from './roles.ts';
import { describeStates } from './states.ts';

const launched = await launchChromium();
/** `npx vitest run --project browser` with TALLY_SCREENSHOTS=docs/images writes them anew. */
const SCREENSHOTS = process.env['TALLY_SCREENSHOTS'];
/** Enough to see what a page is; all of it would be pictures of megabytes. */
const SHOT_HEIGHT = 1_500;
const SHOT_AFTER_MS = 700;
const PHONE_LOOKS = { light: 'phone', dark: 'phone-dark' } as const;
const PAGES = [
  { name: 'overview', hash: '#/' },
  { name: 'tenant', hash: `#/tenants/${NEARLY}` },
  { name: 'tenant-over', hash: `#/tenants/${OVER}` },
  { name: 'operator', hash: '#/operator' },
] as const;

describe.skipIf(!launched.browser)('the dashboard', () => {
  const browser = launched.browser as Browser;
  let dashboard: Dashboard;
  const enter: Dashboard['enter'] = (...asked) => dashboard.enter(...asked);
  const ask = <Answer>(path: string): Promise<Answer> => dashboard.ask<Answer>(path);

  beforeAll(async () => {
    dashboard = new Dashboard(browser, await TestSystem.create('dashboard'));
    await dashboard.system.consumer();
    await playHistory(dashboard.system);
    await dashboard.listen();
  });

  afterEach(async () => {
    expect(await dashboard.closePages()).toEqual([]);
  });

  afterAll(async () => {
    await browser.close();
    await dashboard?.stop();
    await dashboard?.system.close();
  });

  it('signs in by keyboard alone, says which key is none, and ends the session', async () => {
    const page = await dashboard.open();
    await page.getByLabel('API key').waitFor();
    await page.keyboard.type('no-key-at-all-of-ours');
    await page.keyboard.press('Enter');
    await page.getByText('This is no valid key.').waitFor();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type(ADMIN_KEY);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toContain('Skip to the figures');
    await page.getByRole('link', { name: OVER }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: OVER, level: 1 }).waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.getByRole('button', { name: 'Sign out' }).press('Enter');
    await page.getByLabel('API key').waitFor();
    expect((await page.request.get(`${dashboard.url}/v1/session`)).status()).toBe(401);
  });

  it('shows who is over first, then who is about to be, and finds and filters', async () => {
    const page = await enter('#/');
    const names = () => page.locator('.tenant-link').allTextContents();
    await expect.poll(names).toEqual([OVER, NEARLY, PLENTY]);
    await page.getByLabel('Show').selectOption('attention');
    await expect.poll(names).toEqual([OVER, NEARLY]);
    await page.getByLabel('Show').selectOption('all');
    await page.getByLabel('Find').fill('CONT');
    await expect.poll(names).toEqual([PLENTY]);
  });

  it('has the tenants in one line on a phone, whatever their standing', async () => {
    const page = await enter('#/', ADMIN_KEY, { width: PHONE });
    const links = await page.locator('.tenant-link').all();
    const lefts = await Promise.all(links.map(async (link) => (await link.boundingBox())?.x));
    expect(lefts).toHaveLength(3);
    expect(new Set(lefts).size, JSON.stringify(lefts)).toBe(1);
  });

  it('says of a tenant over quota by how much, with its alerts, statements and files', async () => {
    const page = await enter(`#/tenants/${OVER}`);
    const quota = await ask<{ engagedPeople: { overage: number; used: number } }>(`/v1/tenants/${OVER}/quota`);
    const { overage, used } = quota.engagedPeople;
    expect(overage).toBeGreaterThan(0);
    await page.getByText(`engaged people by ${overage}`).waitFor();
    expect(await page.locator('.meter').nth(1).locator('.big').textContent()).toBe(`${used} of 100 owned`);
    expect(await page.locator('.alert').count()).toBeGreaterThan(0);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: /^PDF/ }).first().click(),
    ]);
    expect(download.suggestedFilename()).toContain(OVER);
  });

  it('has every figure of a chart as a table', async () => {
    const page = await enter(`#/tenants/${PLENTY}`);
    const { months } = await ask<{ months: { total: number }[] }>(`/v1/tenants/${PLENTY}/interactions`);
    await page.getByText('As a table').first().click();
    const rows = page.getByRole('table', { name: /Interactions by month and channel/ }).locator('tbody tr');
    await expect.poll(() => rows.count()).toBe(months.length);
    const newest = months.at(-1)?.total ?? 0;
    expect(await rows.first().textContent()).toContain(newest.toLocaleString('en-GB'));
  });

  it('gives the figures of each chart, and of all tenants, as CSV', async () => {
    const page = await enter(`#/tenants/${PLENTY}`);
    const names: string[] = [];
    for (const title of [/^Interactions by month/, /^Engaged people/, /^Unified people/]) {
      const panel = page.getByRole('region', { name: title });
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        panel.getByRole('link', { name: /^CSV/ }).click(),
      ]);
      const [head = '', first = ''] = (await readFile(await download.path(), 'utf8')).split('\r\n');
      expect(head.split(',').at(0)).toBe('tenant');
      expect(first.split(',').at(0)).toBe(PLENTY);
      names.push(download.suggestedFilename());
    }
    expect(names).toEqual(
      ['interactions', 'engaged-curve', 'unified-history'].map((what) => `tally-${PLENTY}-${what}.csv`),
    );
    const overview = await enter('#/');
    const [download] = await Promise.all([
      overview.waitForEvent('download'),
      overview.getByRole('link', { name: 'CSV of all tenants' }).click(),
    ]);
    const text = await readFile(await download.path(), 'utf8');
    for (const tenantId of [OVER, NEARLY, PLENTY]) expect(text).toContain(`\r\n${tenantId},`);
  });

  it('takes an acknowledgement with its reason and shows who gave it', async () => {
    const page = await enter(`#/tenants/${OVER}`);
    await page
      .getByRole('button', { name: /^Acknowledge/ })
      .first()
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Acknowledge' }).click();
    await dialog.getByText('Say why').waitFor();
    await dialog.getByLabel('Why').fill('a larger pack is ordered');
    await dialog.getByRole('button', { name: 'Acknowledge' }).click();
    await page
      .getByText(/Acknowledged by .*a larger pack is ordered/)
      .first()
      .waitFor();
  });

  it('shows the operator flow, dead letters by reason, and the ledger of each partition', async () => {
    const page = await enter('#/operator');
    const ledger = await ask<{ partitions: unknown[] }>('/v1/ledger');
    const rows = page.getByRole('table', { name: 'The ledger by partition' }).locator('tbody tr');
    expect(await rows.count()).toBe(ledger.partitions.length);
    expect(await page.getByText('balanced', { exact: true }).count()).toBe(ledger.partitions.length + 1);
    const letters = page.getByRole('table', { name: 'Dead letters by reason' });
    expect(await letters.textContent()).toContain('Empty value3');
  });

  describeRoles(() => dashboard);
  describeKeyboard(() => dashboard);
  describeStates(() => dashboard);

  it('keeps the last figures under a banner while the api is away, and goes on when it is back', async () => {
    const page = await enter('#/');
    await dashboard.stop();
    await page.getByText('Tally does not answer.').waitFor();
    expect(await page.locator('.tenant-link').count()).toBe(3);
    await dashboard.listen();
    await page.getByText('Tally does not answer.').waitFor({ state: 'detached' });
    expect(await page.locator('.tenant-link').count()).toBe(3);
  });

  it('leads to the sign-in when the session has ended, and back to the same page', async () => {
    const page = await enter(`#/tenants/${NEARLY}`);
    await page.context().clearCookies();
    await page.getByText('Your session has ended.').waitFor();
    expect(await page.getByText(NEARLY).count()).toBe(0);
    await signIn(page, ADMIN_KEY);
    await page.getByRole('heading', { name: NEARLY, level: 1 }).waitFor();
  });

  it.each(LOOKS)('has nothing that axe finds, and nothing too wide: $theme, $width px', async ({ theme, width }) => {
    const page = await dashboard.open({ theme, width });
    await page.getByLabel('API key').waitFor();
    const shoot = async (name: string): Promise<void> => {
      if (SCREENSHOTS === undefined) return;
      const look = width === PHONE ? PHONE_LOOKS[theme] : theme;
      await page.setViewportSize({ width, height: name === 'sign-in' ? HEIGHT : SHOT_HEIGHT });
      // Charts take a moment to follow.
      await page.waitForTimeout(SHOT_AFTER_MS);
      await page.screenshot({ path: `${SCREENSHOTS}/dashboard-${name}-${look}.png` });
      await page.setViewportSize({ width, height: HEIGHT });
    };
    expect(await violations(page), 'sign-in').toEqual([]);
    await shoot('sign-in');
    await signIn(page, ADMIN_KEY);
    for (const { name, hash } of PAGES) {
      await dashboard.visit(page, hash);
      expect(await violations(page), name).toEqual([]);
      expect(await overflow(page), name).toBeLessThanOrEqual(0);
      await shoot(name);
    }
  });
});

if (!launched.browser) {
  it.skip(`The dashboard is not looked at: no Chromium starts here (${launched.because})`, () => {});
}

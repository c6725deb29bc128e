/**
 * Every page while it loads, when there is nothing, when something fails, and when something changes.
 */
import type { Page, Route } from 'playwright-core';
import { expect, it } from 'vitest';
import { tenantPageCalls } from '../bench/api-calls.ts';
import { interaction } from '../support/interaction.ts';
import { ADMIN_KEY, TestSystem } from '../support/system.ts';
import { Dashboard } from './dashboard.ts';
import { overflow, PHONE, signIn, violations } from './dashboard-page.ts';
import { NEARLY, OVER, PLENTY } from './history.ts';

const PAGES = ['#/', `#/tenants/${PLENTY}`, '#/operator'];
const FIGURES = /\/v1\/(?!session)/;
const FAILED = {
  status: 500,
  contentType: 'application/problem+json',
  body: JSON.stringify({ status: 500, code: 'internal', detail: 'The figures could not be worked out.' }),
};

export function describeStates(dashboard: () => Dashboard): void {
  it.each(PAGES)('says that %s loads, that it could not be had, and shows it when it can be', async (hash) => {
    const page = await dashboard().open({ width: PHONE });
    const held: Route[] = [];
    let answering: 'not at all' | 'in vain' | 'well' = 'not at all';
    // One for all of it: what is held goes on by itself where no route is left.
    await page.route(FIGURES, async (route) => {
      if (answering === 'not at all') held.push(route);
      else if (answering === 'in vain') await route.fulfill(FAILED);
      else await route.continue();
    });
    await signIn(page, ADMIN_KEY);
    await page.goto(`${dashboard().url}/${hash}`);
    await page.getByText('Loading…').first().waitFor({ state: 'attached' });
    expect(await page.locator('[aria-busy="true"]').count()).toBeGreaterThan(0);
    expect(await faults(page)).toEqual([]);

    answering = 'in vain';
    await Promise.all(held.splice(0).map((route) => route.fulfill(FAILED).catch(() => {})));
    await page.getByText('The figures could not be worked out.').first().waitFor();
    await expect.poll(() => page.locator('[aria-busy="true"]').count()).toBe(0);
    expect(await page.getByText('Loading…').count()).toBe(0);
    expect(await faults(page)).toEqual([]);

    answering = 'well';
    await page.getByRole('button', { name: 'Try again' }).first().click();
    await expect
      .poll(() => page.getByText('The figures could not be worked out.').count(), { timeout: 30_000 })
      .toBe(0);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  });

  it('says of an installation without any event what there will be', async () => {
    const empty = new Dashboard(dashboard().browser, await TestSystem.create('empty'));
    try {
      await empty.listen();
      const page = await empty.enter('#/');
      await page.getByText('No tenant yet: one appears with its first event.').waitFor();
      expect(await faults(page)).toEqual([]);
      await empty.visit(page, '#/operator');
      for (const words of ['Nothing was refused: every record so far could count.', 'Nothing has run yet']) {
        await page.getByText(words).waitFor();
      }
      expect(await faults(page)).toEqual([]);
      await empty.visit(page, '#/tenants/not-yet');
      for (const words of [
        'No licence is in force, so nothing is owned.',
        'No interactions in the last 12 months.',
        'Nobody was engaged in the last 12 months.',
        'No figure has been published yet.',
        'No alert, open or resolved.',
        'No environment is registered, and none was seen.',
        'No statement has been issued yet.',
        'No licence is on record.',
        'No licence is in force, so there is no licence year.',
      ]) {
        await page.getByText(words, { exact: true }).waitFor();
      }
      expect(await faults(page)).toEqual([]);
      expect(await empty.closePages()).toEqual([]);
    } finally {
      await empty.stop();
      await empty.system.close();
    }
  });

  it('asks for a tenant’s page what the load test takes it to ask', async () => {
    const page = await dashboard().enter('#/');
    const asked = new Set<string>();
    page.on('request', (request) => {
      const { pathname, search } = new URL(request.url());
      if (FIGURES.test(pathname) && pathname !== '/v1/overview') asked.add(`${pathname}${search}`);
    });
    await dashboard().visit(page, `#/tenants/${NEARLY}`);
    const { licences } = await dashboard().ask<{ licences: { startsOn: string }[] }>(`/v1/tenants/${NEARLY}/licences`);
    const { on } = await dashboard().ask<{ on: string }>(`/v1/tenants/${NEARLY}/quota`);
    const year = [...asked].find((path) => path.includes('/true-up'))?.split('licenceYear=')[1] ?? '';
    expect(licences.map(({ startsOn }) => startsOn.slice(5))).toContain(year.slice(5));
    const expected = tenantPageCalls(NEARLY, on, year).map(({ path }) => path);
    expect([...asked].sort()).toEqual(expected.sort());
  });

  it('counts what happens while one looks, without being loaded again', async () => {
    const page = await dashboard().enter(`#/tenants/${PLENTY}`);
    const used = async (): Promise<number> => {
      const text = await page.locator('.meter').first().locator('.big strong').textContent();
      return Number(text?.replaceAll(/\D/g, ''));
    };
    const before = await used();
    await page.evaluate('window.isSamePage = true');
    const producer = dashboard().system.producer();
    for (let sent = 0; sent < 3; sent++) {
      const value = interaction({ tenantId: PLENTY, eventId: `live-${sent}`, occurredAt: Date.now() - 1_000 });
      await producer.send({ schema: 'Interaction', value });
    }
    await expect.poll(used, { timeout: 30_000 }).toBe(before + 3);
    expect(await page.evaluate('window.isSamePage')).toBe(true);
  });

  it('writes numbers, days and shares as the reader does', async () => {
    const page = await dashboard().enter(`#/tenants/${OVER}`, undefined, { locale: 'de-DE' });
    const { months } = await dashboard().ask<{ months: { month: string; total: number }[] }>(
      `/v1/tenants/${OVER}/interactions`,
    );
    await page.getByText('As a table').first().click();
    const table = page.getByRole('table', { name: /Interactions by month and channel/ });
    await table.waitFor();
    // The month that is going on may have grown in the meantime.
    const { month, total } = months.filter((one) => one.total >= 1_000 && one !== months.at(-1))[0] ?? {
      month: '',
      total: 0,
    };
    expect(total, 'more than 999 in some month').toBeGreaterThan(0);
    expect(total.toLocaleString('de-DE')).toContain('.');
    const name = new Date(`${month}-01T00:00:00Z`).toLocaleDateString('de-DE', {
      month: 'long',
      year: 'numeric',
      timeZone: 'UTC',
    });
    expect(await table.getByRole('row', { name: new RegExp(name) }).textContent()).toContain(
      total.toLocaleString('de-DE'),
    );
    expect(await page.locator('.meter .scale').first().textContent()).toMatch(/^\d+(,\d)?\s%/);
  });
}

/** What axe finds, and whether anything is wider than the window. */
async function faults(page: Page): Promise<string[]> {
  const wide = await overflow(page);
  return [...(await violations(page)), ...(wide > 0 ? [`too wide by ${wide} px`] : [])];
}

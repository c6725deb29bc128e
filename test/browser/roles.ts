/**
 * What each role sees, what it does not, and that nothing can be learnt of another tenant.
 */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import type { Dashboard } from './dashboard.ts';
import { loaded, signIn } from './dashboard-page.ts';
import { NEARLY, OVER } from './history.ts';

const STRANGER = 'nobody-of-this-name';

export function describeRoles(dashboard: () => Dashboard): void {
  it.each([
    { role: 'viewer', decides: false },
    { role: 'analyst', decides: true },
    { role: 'admin', decides: true },
  ])('shows a $role of one tenant that one alone, and nothing of the operator', async ({ role, decides }) => {
    const { url } = dashboard();
    const page = await dashboard().enter('#/', await dashboard().key(role, [OVER]));
    expect(await page.locator('.tenant-link').allTextContents()).toEqual([OVER]);
    expect(await page.locator('.who').textContent()).toBe(`a ${role} ${role}`);
    expect(await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents()).toEqual([
      'Overview',
    ]);
    await page.goto(`${url}/#/operator`);
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await page.getByRole('link', { name: 'To the overview' }).click();
    await page.getByRole('link', { name: OVER }).click();
    await page.getByRole('heading', { name: OVER, level: 1 }).waitFor();
    await loaded(page);
    expect(await page.locator('.meter').count()).toBe(3);
    expect(await page.locator('.alert').count()).toBeGreaterThan(0);
    for (const verb of [/^Acknowledge/, /^Silence/]) {
      expect((await page.getByRole('button', { name: verb }).count()) > 0).toBe(decides);
    }
  });

  it('lets an analyst acknowledge an alert of the tenant, and silence its rule', async () => {
    const page = await dashboard().enter(`#/tenants/${OVER}`, await dashboard().key('analyst', [OVER]));
    for (const [verb, told] of [
      ['Acknowledge', /Acknowledged by .*seen by the analyst/],
      ['Silence', /silenced until .*seen by the analyst/],
    ] as const) {
      await page
        .getByRole('button', { name: new RegExp(`^${verb}`) })
        .last()
        .click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Why').fill('seen by the analyst');
      await dialog.getByRole('button', { name: verb }).click();
      await page.getByText(told).first().waitFor();
    }
  });

  it('tells a producer that its key is for sending events, and shows nothing', async () => {
    const page = await dashboard().open();
    await page.getByLabel('API key').fill(await dashboard().key('producer', [OVER]));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This key may not read figures: it is for sending events.').waitFor();
    expect(await page.getByRole('navigation').count()).toBe(0);
    expect((await page.request.get(`${dashboard().url}/v1/session`)).status()).toBe(401);
    await signIn(page, await dashboard().key('viewer', [OVER]));
  });

  it('says the same of a tenant that there is and of one that there is not', async () => {
    const page = await dashboard().enter('#/', await dashboard().key('analyst', [NEARLY]));
    const answers: string[] = [];
    page.on('response', (response) => {
      if (response.status() >= 400) answers.push(`${response.status()} ${new URL(response.url()).pathname}`);
    });
    const seen = async (tenant: string): Promise<object> => {
      answers.length = 0;
      await dashboard().visit(page, `#/tenants/${tenant}`);
      await page.getByText('Your key does not allow this.').first().waitFor();
      const statuses = [...new Set(answers)].sort();
      return { text: (await wordsOf(page)).replaceAll(tenant, '…'), statuses: statuses.join().replaceAll(tenant, '…') };
    };
    const known = await seen(OVER);
    expect(await seen(STRANGER)).toEqual(known);
    expect(JSON.stringify(known)).not.toMatch(/20\d /);
  });
}

/** All that is written on the page, also for who does not see it. */
function wordsOf(page: Page): Promise<string> {
  return page.evaluate<string>('document.title + document.getElementById("main").textContent');
}

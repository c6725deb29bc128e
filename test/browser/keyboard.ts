/**
 * The dashboard by keyboard alone, and without motion.
 */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import type { Dashboard } from './dashboard.ts';
import { OVER } from './history.ts';

/** More than any page has. */
const STOPS_MAX = 200;

interface Stop {
  /** Label or text of what has the focus; empty at the end of the page. */
  name: string;
  /** A mark of at least two pixels around it, inside the window. */
  isSeen: boolean;
  /** It stands behind the stop before it in the document. */
  isInOrder: boolean;
}

/** What has the focus; of a radio button its label shows it. */
const STOP = `(() => {
  const element = document.activeElement;
  if (!element || element === document.body) return { name: '', isSeen: true, isInOrder: true };
  const shown = element.type === 'radio' ? element.nextElementSibling : element;
  const { outlineStyle, outlineWidth } = getComputedStyle(shown);
  const box = shown.getBoundingClientRect();
  const isInside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const before = window.stopBefore;
  window.stopBefore = element;
  const follows = !before || (before.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
  return {
    name: (element.labels?.[0]?.textContent ?? element.textContent ?? '').trim(),
    isSeen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && isInside,
    isInOrder: follows,
  };
})()`;

export function describeKeyboard(dashboard: () => Dashboard): void {
  it.each(['#/', `#/tenants/${OVER}`, '#/operator'])(
    'leads by Tab through all of %s, in the order that is seen, each stop marked',
    async (hash) => {
      const page = await dashboard().enter(hash);
      await page.reload();
      await dashboard().visit(page, hash);
      const stops = await walk(page);
      expect(stops.filter(({ isSeen, isInOrder }) => !isSeen || !isInOrder)).toEqual([]);
      expect(stops[0]?.name).toBe('Skip to the figures');
      const reachable = await page.evaluate<number>(
        `[...document.querySelectorAll('a[href], button, select, textarea, summary, input:not([type=radio]), input[type=radio]:checked')]
          .filter((element) => element.checkVisibility()).length`,
      );
      expect(stops.length).toBe(reachable);
    },
  );

  it('skips to the figures', async () => {
    const page = await dashboard().enter('#/');
    await page.reload();
    await dashboard().visit(page, '#/');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('CSV of all tenants');
  });

  it.each(['Escape', 'Cancel', 'Silence'])(
    'keeps the focus in a dialog and gives it back where it was: %s',
    async (end) => {
      const page = await dashboard().enter(`#/tenants/${OVER}`);
      const button = page.getByRole('button', { name: /^Silence/ }).first();
      const name = await button.textContent();
      await button.focus();
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog');
      await dialog.waitFor();
      expect(await page.evaluate('document.activeElement.tagName')).toBe('TEXTAREA');
      for (let stop = 0; stop < 8; stop++) {
        await page.keyboard.press('Tab');
        const where = '!document.hasFocus() || !document.activeElement || document.activeElement === document.body';
        const isInside = 'document.querySelector("dialog").contains(document.activeElement)';
        expect(await page.evaluate<boolean>(`${where} || ${isInside}`)).toBe(true);
      }
      if (end === 'Silence') {
        await dialog.getByLabel('Why').fill('known');
        await dialog.getByLabel('For').selectOption({ label: '1 hour' });
      }
      if (end === 'Escape') await page.keyboard.press('Escape');
      else await dialog.getByRole('button', { name: end }).press('Enter');
      await dialog.waitFor({ state: 'detached' });
      expect(await page.evaluate('document.activeElement.textContent')).toBe(name);
    },
  );

  it.each([
    { motion: 'reduce', moves: false },
    { motion: 'no-preference', moves: true },
  ] as const)('moves only for who wants it: $motion', async ({ motion, moves }) => {
    const page = await dashboard().enter('#/', undefined, { motion });
    await page.route('**/v1/tenants/**', () => {});
    await page.goto(`${dashboard().url}/#/tenants/${OVER}`);
    await page.locator('.skeleton').first().waitFor();
    expect((await page.evaluate<number>('document.getAnimations().length')) > 0).toBe(moves);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  });
}

/** Every stop from the top of the page until the focus leaves it. */
async function walk(page: Page): Promise<Stop[]> {
  const stops: Stop[] = [];
  await page.evaluate('window.stopBefore = undefined');
  while (stops.length < STOPS_MAX) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate<Stop>(STOP);
    if (stop.name === '' && stop.isInOrder && stops.length > 0) break;
    stops.push(stop);
  }
  return stops;
}

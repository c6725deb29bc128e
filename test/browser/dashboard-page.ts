/**
 * The dashboard as a test drives it.
 */
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';

export interface Look {
  theme: 'light' | 'dark';
  width: number;
  /** Of the reader. */
  locale?: string;
  motion?: 'reduce' | 'no-preference';
}

export const WIDE = 1_280;
export const PHONE = 360;
export const LOOKS: readonly Look[] = [
  { theme: 'light', width: WIDE },
  { theme: 'dark', width: WIDE },
  { theme: 'light', width: PHONE },
  { theme: 'dark', width: PHONE },
];

export const HEIGHT = 900;
const POLL_MS = 50;
const WAIT_MS_MAX = 30_000;
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export interface OpenPage {
  context: BrowserContext;
  page: Page;
  /** What the browser complained of, but for answers that a test asked for. */
  complaints: string[];
  /** Hosts other than the api's that were asked. */
  strangers: string[];
}

export async function openPage(
  browser: Browser,
  url: string,
  { theme = 'light', width = WIDE, locale = 'en-GB', motion = 'reduce' }: Partial<Look> = {},
): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width, height: HEIGHT },
    colorScheme: theme,
    locale,
    reducedMotion: motion,
  });
  // Shorter than a test may take, so that it is said what was waited for.
  context.setDefaultTimeout(WAIT_MS_MAX);
  const page = await context.newPage();
  const complaints: string[] = [];
  const strangers: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (message) => {
    const isAnswer = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isAnswer) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('blob:')) strangers.push(request.url());
  });
  await page.goto(url);
  return { context, page, complaints, strangers };
}

export async function signIn(page: Page, key: string): Promise<void> {
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
}

/** Every panel of the page has its figures. */
export async function loaded(page: Page): Promise<void> {
  const isLoaded = `(document.querySelector('main')?.dataset.shown ?? location.hash) === location.hash
    && !document.querySelector('[aria-busy="true"]')
    && [...document.querySelectorAll('.canvas')].every((chart) => chart.querySelector('canvas'))`;
  // A function that the page waits with would be made from text there, which the content security policy refuses.
  while (!(await page.evaluate<boolean>(isLoaded))) await page.waitForTimeout(POLL_MS);
}

/** What axe finds, a line for each kind. */
export async function violations(page: Page): Promise<string[]> {
  // As a script of the page it would be refused by the content security policy.
  return page.evaluate(
    `(async () => { ${axe.source}; const { violations } = await axe.run(document, { runOnly: ${JSON.stringify(RULES)} });
      return violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 160)).join(' | ')); })()`,
  );
}

/** Nothing is wider than the screen. */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
}

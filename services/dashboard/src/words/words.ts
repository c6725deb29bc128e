/**
 * Numbers, days and moments in the reader's language. Days and months are UTC ones whatever the reader's time zone; moments
 * are told in his.
 */
export interface Words {
  count: (number: number) => string;
  /** `+1,204`, `−12`. */
  change: (number: number) => string;
  /** For axes: `12K`. */
  short: (number: number) => string;
  /** Of a share, 1 for all of it. Never 100 % before it is reached, never 0 % of something. */
  percent: (share: number) => string;
  /** Of `2026-11-22`. */
  day: (day: string) => string;
  /** Of `2026-11-22`, without the year. */
  shortDay: (day: string) => string;
  /** Of `2026-11`. */
  month: (month: string) => string;
  shortMonth: (month: string) => string;
  /** Of ISO 8601 or milliseconds, with the time zone. */
  moment: (at: string | number) => string;
  /** Of milliseconds, with seconds. */
  clock: (at: number) => string;
  /** `2 minutes ago`, of milliseconds that have passed. */
  ago: (ms: number) => string;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @param timeZone of moments; the reader's by default */
export function wordsIn(locales: readonly string[], timeZone?: string): Words {
  const zone = timeZone === undefined ? {} : { timeZone };
  const number = (options: Intl.NumberFormatOptions): Intl.NumberFormat => new Intl.NumberFormat([...locales], options);
  const date = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat([...locales], options);
  const count = number({ maximumFractionDigits: 0 });
  const change = number({ maximumFractionDigits: 0, signDisplay: 'exceptZero' });
  const short = number({ notation: 'compact', maximumFractionDigits: 1 });
  const percent = number({ style: 'percent', maximumFractionDigits: 1 });
  const day = date({ day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });
  const shortDay = date({ day: 'numeric', month: 'short', timeZone: 'UTC' });
  const month = date({ month: 'long', year: 'numeric', timeZone: 'UTC' });
  const shortMonth = date({ month: 'short', timeZone: 'UTC' });
  const moment = date({
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
    ...zone,
  });
  const clock = date({ hour: '2-digit', minute: '2-digit', second: '2-digit', ...zone });
  const relative = new Intl.RelativeTimeFormat([...locales], { numeric: 'auto' });
  const firstOf = (text: string): Date => new Date(`${text}-01T00:00:00Z`);
  const startOf = (text: string): Date => new Date(`${text}T00:00:00Z`);
  return {
    count: (value) => count.format(value),
    change: (value) => change.format(value),
    short: (value) => short.format(value),
    percent: (share) => percent.format(roundedShare(share)),
    day: (text) => day.format(startOf(text)),
    shortDay: (text) => shortDay.format(startOf(text)),
    month: (text) => month.format(firstOf(text)),
    shortMonth: (text) => shortMonth.format(firstOf(text)),
    moment: (at) => moment.format(new Date(at)),
    clock: (at) => clock.format(new Date(at)),
    ago: (ms) => {
      if (ms < MINUTE) return relative.format(-Math.round(ms / SECOND), 'second');
      if (ms < HOUR) return relative.format(-Math.round(ms / MINUTE), 'minute');
      return ms < DAY ? relative.format(-Math.round(ms / HOUR), 'hour') : relative.format(-Math.round(ms / DAY), 'day');
    },
  };
}

/** To a thousandth, towards the side on which the share is: what is not over must not look it. */
function roundedShare(share: number): number {
  const rounded = Math.round(share * 1_000) / 1_000;
  if (share < 1 && rounded >= 1) return 0.999;
  if (share > 1 && rounded <= 1) return 1.001;
  return share > 0 && rounded === 0 ? 0.001 : rounded;
}

export const words = wordsIn(typeof navigator === 'undefined' ? ['en'] : navigator.languages);

const NAMES: Readonly<Record<string, string>> = {
  email: 'E-mail',
  sms: 'SMS',
  push: 'Push',
  voice: 'Voice',
  form_submission: 'Form submission',
  custom: 'Custom',
};

/** A name for people of a code: `form_submission`, `too-late`. */
export function named(code: string): string {
  const known = NAMES[code];
  if (known !== undefined) return known;
  const spaced = code.replaceAll(/[-_]/g, ' ');
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

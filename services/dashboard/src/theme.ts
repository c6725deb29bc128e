/**
 * Light or dark: as the reader's system says, or as he chose on this machine.
 */
import { useSyncExternalStore } from 'react';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const STORED_AS = 'tally-theme';
const DARK = '(prefers-color-scheme: dark)';
const listeners = new Set<() => void>();

export function storedTheme(): Theme {
  try {
    const stored = window.localStorage.getItem(STORED_AS);
    return THEMES.find((theme) => theme === stored) ?? 'system';
  } catch {
    return 'system'; // a browser may keep nothing for anybody
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    window.localStorage.setItem(STORED_AS, theme);
  } catch {
    // It holds until the page is left.
  }
  for (const changed of listeners) changed();
}

/** What was chosen. */
export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, chosen);
}

/** What is shown: charts are drawn anew when it changes. */
export function useShade(): 'light' | 'dark' {
  return useSyncExternalStore(subscribe, () => {
    const theme = chosen();
    if (theme !== 'system') return theme;
    return window.matchMedia(DARK).matches ? 'dark' : 'light';
  });
}

function chosen(): Theme {
  const theme = document.documentElement.dataset['theme'];
  return THEMES.find((one) => one === theme) ?? 'system';
}

function subscribe(changed: () => void): () => void {
  const media = window.matchMedia(DARK);
  listeners.add(changed);
  media.addEventListener('change', changed);
  return () => {
    listeners.delete(changed);
    media.removeEventListener('change', changed);
  };
}

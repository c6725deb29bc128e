/**
 * Light, dark, or as the system says.
 */
import { type ReactNode, useId } from 'react';
import { applyTheme, THEMES, type Theme, useTheme } from '../theme.ts';

const NAMES: Readonly<Record<Theme, string>> = { system: 'Auto', light: 'Light', dark: 'Dark' };

export function ThemeSwitch(): ReactNode {
  const theme = useTheme();
  const name = useId();
  return (
    <fieldset className="theme">
      <legend className="unseen">Colours</legend>
      {THEMES.map((one) => (
        <label key={one}>
          <input type="radio" name={name} checked={one === theme} onChange={() => applyTheme(one)} />
          <span>{NAMES[one]}</span>
        </label>
      ))}
    </fieldset>
  );
}

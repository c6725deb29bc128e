/**
 * The page's colours as a canvas needs them.
 */
export const CHANNEL_COLOURS = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6'] as const;

const NAMES = ['ink', 'soft', 'line', 'surface', 'accent', 'over', 'warn', 'faint', ...CHANNEL_COLOURS] as const;
export type ColourName = (typeof NAMES)[number];
export type Colours = Readonly<Record<ColourName, string>>;

/** As they are now: a variable's own text may be `light-dark(…)`, so an element has to wear it. */
export function coloursOf(element: HTMLElement): Colours {
  const probe = element.appendChild(document.createElement('span'));
  const colours = Object.fromEntries(
    NAMES.map((name) => {
      probe.style.color = `var(--${name})`;
      return [name, getComputedStyle(probe).color];
    }),
  );
  probe.remove();
  return colours as Colours;
}

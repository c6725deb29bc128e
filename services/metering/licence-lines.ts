/**
 * Licence lines: what a tenant bought, from when to when. (Rules: "Licences".)
 */
import { z } from 'zod';
import { CATALOGUE, productOf } from './catalogue.ts';
import { type CheckedLines, checkLines, type LineFault, lineDay, type Spell, spellFaults } from './checked-lines.ts';

export interface LicenceLine extends Spell {
  sku: string;
  quantity: number;
  /** People in a unit, where the product is sold in packs. */
  packSize?: number;
}

/** So that sums of grants stay exact. */
const QUANTITY_MAX = 1_000_000;
const PACK_SIZE_MAX = 1_000_000_000;

const whole = (max: number) =>
  z.int('must be a whole number').min(1, 'must be at least 1').max(max, `must be at most ${max}`);

const SKUS = CATALOGUE.products.map(({ sku }) => sku);

/** A line as outsiders write it; what must hold across its fields is licenceLinesOf's. */
export const licenceLine = z
  .strictObject({
    sku: z
      .string('must be a SKU')
      .refine((sku) => productOf(sku) !== undefined, { message: `is not one of ${SKUS.join(', ')}` })
      .meta({ enum: SKUS }),
    quantity: whole(QUANTITY_MAX),
    packSize: whole(PACK_SIZE_MAX).nullish(),
    startsOn: lineDay,
    endsOn: lineDay.nullish(),
  })
  .transform(
    ({ sku, quantity, packSize, startsOn, endsOn }): LicenceLine => ({
      sku,
      quantity,
      ...(packSize == null ? {} : { packSize }),
      startsOn,
      endsOn: endsOn ?? null,
    }),
  );

/** Lines as outsiders write them, or what is wrong with each. */
export function licenceLinesOf(written: readonly unknown[]): CheckedLines<LicenceLine> {
  return checkLines(written, licenceLine, (line) => [...packSizeFaults(line), ...spellFaults(line)]);
}

function packSizeFaults({ sku, packSize }: Readonly<Record<string, unknown>>): Omit<LineFault, 'line'>[] {
  const product = typeof sku === 'string' ? productOf(sku) : undefined;
  const given = packSize !== undefined && packSize !== null;
  const message =
    product?.pack === 'required' && !given
      ? `is missing: ${product.sku} is sold in packs`
      : product?.pack === 'none' && given
        ? `must be left out: ${product.sku} is not sold in packs`
        : undefined;
  return message === undefined ? [] : [{ field: 'packSize', message }];
}

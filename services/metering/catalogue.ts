/**
 * What each product grants: catalogue.json, checked when it is loaded. Its version is raised with every change, so that
 * what was decided and figured under it can name it. (Rules: "Licences".)
 */
import { z } from 'zod';
import data from './catalogue.json' with { type: 'json' };

const people = z.union([z.int().min(0), z.literal('pack')]).default(0);

const product = z
  .strictObject({
    sku: z.string().regex(/^[a-z0-9-]{1,64}$/),
    /** For a person. */
    title: z.string().min(1),
    /** Sold before September 2023; still granted to whoever holds it. */
    legacy: z.boolean().default(false),
    /** Listed for ever. */
    trial: z.boolean().default(false),
    /** Whether a licence line says how large a pack is. */
    pack: z.enum(['required', 'optional', 'none']).default('none'),
    /** Per unit; `pack`: as many as the line's pack size. */
    engagedPeople: people,
    unifiedPeople: people,
    /** Its engaged people are active contacts, enough of which grant the larger e-mail throughput. */
    activeContacts: z.boolean().default(false),
    /** Grants the larger e-mail throughput beside a base licence. */
    sendingBurst: z.boolean().default(false),
    /** Brings the Dataverse base entitlement, once whatever the quantity; what makes a base licence. */
    dataverseBase: z.boolean().default(false),
    /** Per unit. */
    dataverseAddOnUnits: z.int().min(0).default(0),
    /** Of outbound marketing: for each unit, or so many for all units of all such products together. */
    outboundInstallations: z
      .union([z.strictObject({ perUnit: z.int().min(0) }), z.strictObject({ inAll: z.int().min(0) })])
      .default({ perUnit: 0 }),
    /** The pack that is offered to cover a shortfall. */
    offered: z.strictObject({ meter: z.enum(['engaged', 'unified']), packSize: z.int().min(1) }).optional(),
  })
  .refine(
    ({ pack, engagedPeople, unifiedPeople }) => pack !== 'none' || ![engagedPeople, unifiedPeople].includes('pack'),
    {
      message: 'grants a pack, and has none',
    },
  );

const catalogue = z.strictObject({
  version: z.int().min(1),
  products: z
    .array(product)
    .min(1)
    .refine((products) => new Set(products.map(({ sku }) => sku)).size === products.length, 'has a SKU twice'),
});

export type Product = z.infer<typeof product>;
export type Catalogue = z.infer<typeof catalogue>;

/** A catalogue as it is written, checked. Throws zod's error, which names every fault. */
export function catalogueOf(written: unknown): Catalogue {
  return catalogue.parse(written);
}

export const CATALOGUE: Catalogue = catalogueOf(data);

const BY_SKU: ReadonlyMap<string, Product> = new Map(CATALOGUE.products.map((one) => [one.sku, one]));

/** A product by its SKU, or undefined. */
export function productOf(sku: string): Product | undefined {
  return BY_SKU.get(sku);
}

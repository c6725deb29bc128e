/**
 * Who there is: tenants of different size, their environments, and the entities that journeys reach in them.
 */
import type { EntityIdentity, EntityType } from '@tally/schemas';
import { scramble } from './hash.ts';
import type { Random } from './random.ts';

const TENANT_NAMES = [
  'contoso',
  'fabrikam',
  'northwind',
  'adventure-works',
  'woodgrove',
  'tailspin-toys',
  'litware',
  'proseware',
  'wingtip',
  'relecloud',
  'fourth-coffee',
  'trey-research',
];

/** In the order a tenant gets them, with the share of its traffic each asks for. */
const ENVIRONMENTS = [
  ['prod', 0.8],
  ['sandbox', 0.12],
  ['dev', 0.05],
  ['trial-2', 0.03],
] as const;

/** Upper bounds of a hash in percent: 60 % contacts, 20 % leads and so on. */
const ENTITY_TYPE_BOUNDS: readonly (readonly [EntityType, number])[] = [
  ['contact', 60],
  ['lead', 80],
  ['profile', 92],
  ['custom', 97],
  ['other', 100],
];

/** Interactions for each entity there is to reach, on average. */
const EVENTS_PER_ENTITY = 8;
const ENTITIES_MIN = 8;
/** The part of an environment's entities that journeys reach at one time; it moves on, so people drop out. */
const REACHED_SHARE = 0.5;
/** Every so many entities one has an id with blanks, a slash and letters outside ASCII. */
const ODD_ID_EVERY = 53;

export interface Environment {
  /** Place among all environments. */
  index: number;
  tenantId: string;
  environmentId: string;
  /** Number of entities over the whole time. */
  entities: number;
}

export class Population {
  readonly environments: readonly Environment[];
  /** Running sums of the environments' shares of all traffic; the last is 1. */
  readonly #bounds: number[] = [];

  /**
   * @param options tenants: how many; events: how many interactions they share, which sets the number of entities
   */
  constructor(random: Random, options: { tenants: number; events: number }) {
    const environments: Environment[] = [];
    // Zipf: the second tenant has half the traffic of the first, the third a third of it.
    const zipfSum = Array.from({ length: options.tenants }, (_, rank) => 1 / (rank + 1)).reduce((a, b) => a + b, 0);
    let bound = 0;
    for (let rank = 0; rank < options.tenants; rank++) {
      const own = ENVIRONMENTS.slice(0, 1 + random.int(ENVIRONMENTS.length));
      const ownSum = own.reduce((sum, [, share]) => sum + share, 0);
      for (const [environmentId, part] of own) {
        const share = (part / ownSum) * (1 / (rank + 1) / zipfSum);
        const entities = Math.max(ENTITIES_MIN, Math.ceil((options.events * share) / EVENTS_PER_ENTITY));
        environments.push({ index: environments.length, tenantId: tenantName(rank), environmentId, entities });
        bound += share;
        this.#bounds.push(bound);
      }
    }
    this.environments = environments;
  }

  /** An environment, as likely as its share of the traffic. */
  environment(random: Random): Environment {
    const drawn = random.next();
    let low = 0;
    let high = this.#bounds.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (drawn < (this.#bounds[middle] ?? 1)) high = middle;
      else low = middle + 1;
    }
    const environment = this.environments[low];
    if (!environment) throw new RangeError('there are no environments');
    return environment;
  }

  /**
   * An entity that journeys reach at this time, some far more often than others.
   * @param progress how much of the whole time has passed, 0 to 1
   */
  entity(random: Random, progress: number): EntityIdentity {
    const environment = this.environment(random);
    const reached = environment.entities * REACHED_SHARE;
    const skewed = random.next() * random.next();
    return entityOf(environment, Math.floor((environment.entities - reached) * progress + reached * skewed));
  }
}

function tenantName(rank: number): string {
  return TENANT_NAMES[rank] ?? `tenant-${String(rank + 1).padStart(4, '0')}`;
}

function entityOf({ index, tenantId, environmentId }: Environment, number: number): EntityIdentity {
  const percent = scramble(Math.imul(index + 1, 0x9e3779b1) ^ number) % 100;
  const entityType = ENTITY_TYPE_BOUNDS.find(([, bound]) => percent < bound)?.[0] ?? 'other';
  const entityId = number % ODD_ID_EVERY === 0 ? `${entityType} ${number}/żółć` : `${entityType}-${number}`;
  return { tenantId, environmentId, entityType, entityId };
}

/**
 * Which consumer fails where: every life of a consumer gets a plan, so that in the end every named place has had its
 * share.
 */
import { CHECKPOINTS, type Checkpoint } from '@tally/consumer';
import type { Random } from '@tally/simulator';
import type { FailStep } from '../support/fail-plan.ts';
import type { ChaosForm } from './form.ts';

/** A frozen consumer should have something to write late: it freezes early in its life. */
const FREEZE_NTH_MAX = 2;
const FREEZE_CHANCE = 0.5;

export class FailPlans {
  readonly #random: Random;
  readonly #form: ChaosForm;
  readonly #armed = new Map<Checkpoint, number>();
  readonly kills = new Map<Checkpoint, number>(CHECKPOINTS.map((place) => [place, 0]));
  readonly freezes = new Map<Checkpoint, number>(CHECKPOINTS.map((place) => [place, 0]));
  #frozenOrToBe = 0;
  #calm = false;

  constructor(random: Random, form: ChaosForm) {
    this.#random = random;
    this.#form = form;
  }

  /** From now on every new life is a quiet one. */
  calmDown(): void {
    this.#calm = true;
  }

  /** The plan of a life that begins; empty when others already have all that is wanted. */
  arm(): FailStep[] {
    if (this.#calm) return [];
    const die = this.#die();
    const freeze = this.#freeze(die.length === 0 ? 1 : FREEZE_CHANCE);
    // It should live on after it froze, to write late.
    return [...freeze, ...die.map((step) => ({ ...step, nth: step.nth + (freeze[0]?.nth ?? 0) }))];
  }

  /** Takes down how a life ended: the steps of its plan that were reached. */
  ended(plan: readonly FailStep[], reached: readonly FailStep[]): void {
    for (const { place, action } of plan) {
      if (action === 'die') this.#armed.set(place, (this.#armed.get(place) ?? 0) - 1);
      else this.#frozenOrToBe--;
    }
    for (const { place, action } of reached) {
      const counts = action === 'die' ? this.kills : this.freezes;
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
  }

  killsDone(): number {
    return sum(this.kills);
  }

  freezesDone(): number {
    return sum(this.freezes);
  }

  /** Steps of the form that were reached; more than it asks for do not count. */
  progress(): number {
    const { killsPerPlace, freezes } = this.#form;
    const kills = [...this.kills.values()].reduce((all, times) => all + Math.min(times, killsPerPlace), 0);
    return kills + Math.min(this.freezesDone(), freezes);
  }

  /** Whether every place has had its share. */
  done(): boolean {
    const { killsPerPlace, freezes } = this.#form;
    return [...this.kills.values()].every((times) => times >= killsPerPlace) && this.freezesDone() >= freezes;
  }

  #die(): FailStep[] {
    const { killsPerPlace, nthMax } = this.#form;
    const { place, times } = this.#scarcest(this.kills, this.#armed);
    if (times >= killsPerPlace) return [];
    this.#armed.set(place, (this.#armed.get(place) ?? 0) + 1);
    return [{ place, nth: 1 + this.#random.int(nthMax), action: 'die' }];
  }

  /** One at a time, so that there is always somebody to take over. */
  #freeze(chance: number): FailStep[] {
    if (this.#frozenOrToBe > 0 || this.freezesDone() >= this.#form.freezes) return [];
    if (!this.#random.chance(chance)) return [];
    this.#frozenOrToBe++;
    const { place } = this.#scarcest(this.freezes);
    return [{ place, nth: 1 + this.#random.int(FREEZE_NTH_MAX), action: 'freeze' }];
  }

  #scarcest(
    counts: ReadonlyMap<Checkpoint, number>,
    armed: ReadonlyMap<Checkpoint, number> = new Map(),
  ): { place: Checkpoint; times: number } {
    const of = (place: Checkpoint): number => (counts.get(place) ?? 0) + (armed.get(place) ?? 0);
    const times = Math.min(...CHECKPOINTS.map(of));
    return { place: this.#random.pick(CHECKPOINTS.filter((place) => of(place) === times)), times };
  }
}

function sum(counts: ReadonlyMap<Checkpoint, number>): number {
  return [...counts.values()].reduce((all, times) => all + times, 0);
}

/**
 * Tenants and their environments by number, 0, 1, 2 …, since everything is counted by them.
 */
export interface Scope {
  tenantId: string;
  environmentId: string;
}

export class Scopes {
  readonly #numbers = new Map<string, number>();
  readonly #scopes: Scope[] = [];

  numberOf(tenantId: Buffer, environmentId: Buffer): number {
    // Valid ids hold no slash.
    const name = `${tenantId.toString('latin1')}/${environmentId.toString('latin1')}`;
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#scopes.push({ tenantId: tenantId.toString(), environmentId: environmentId.toString() }) - 1;
    this.#numbers.set(name, number);
    return number;
  }

  at(number: number): Scope {
    const scope = this.#scopes[number];
    if (!scope) throw new RangeError(`there is no scope ${number}`);
    return scope;
  }

  /** By number. */
  all(): readonly Scope[] {
    return this.#scopes;
  }
}

/** Numbers for names, from 0 in the order of their first use, so that columns can hold them. */
export class Numbering<Name> {
  readonly #numbers = new Map<Name, number>();
  readonly #names: Name[] = [];

  /** The name's number, a new one when it has none. */
  numberOf(name: Name): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.#names.length);
    return this.#names.push(name) - 1;
  }

  /** The name that has the number, if any has. */
  nameOf(number: number): Name | undefined {
    return this.#names[number];
  }
}

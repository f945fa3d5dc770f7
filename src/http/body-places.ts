/** How many bodies may be read at once, in all and of one address, so that nobody takes all places by sending slowly. */
interface Limits {
  readonly most: number;
  readonly mostOfOne: number;
}

/** Counts bodies that are being read. */
export class BodyPlaces {
  readonly #limits: Limits;
  readonly #taken = new Map<string, number>();
  #all = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Takes a place for an address; undefined, or whose places are taken: that address's, or everybody's. */
  take(address: string): string | undefined {
    const ofOne = this.#taken.get(address) ?? 0;
    if (ofOne >= this.#limits.mostOfOne) return address;
    if (this.#all >= this.#limits.most) return 'everybody';
    this.#all++;
    this.#taken.set(address, ofOne + 1);
    return undefined;
  }

  /** Gives back a place that was taken. */
  giveBack(address: string): void {
    const left = (this.#taken.get(address) ?? 1) - 1;
    this.#all--;
    if (left === 0) this.#taken.delete(address);
    else this.#taken.set(address, left);
  }
}

const THEN: string = 'then';

/** A promise of another library or realm, which is not an instance of `Promise`. */
export class Thenable {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  get [THEN]() {
    return (done: (value: unknown) => void) => done(this.#value);
  }
}

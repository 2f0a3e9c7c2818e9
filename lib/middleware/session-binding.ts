import { addRecognizer } from './package-copies.js';

/** A constructor that returns its argument. So the private fields of a subclass are added to the argument, which may be any object. */
const Target = function (this: unknown, target: object) {
  return target;
} as unknown as new (
  target: object,
) => object;

/**
 * Binds a session to a plain object, as a private field of that object. Other code cannot forge the field, and JSON, spreading, inspection
 * and comparison do not see it. Reading the field is faster than reading a WeakMap.
 */
class SessionBinding extends Target {
  readonly #session: object;

  constructor(target: object, session: object) {
    super(target);
    this.#session = session;
  }

  static read(value: object): object | undefined {
    return #session in value ? value.#session : undefined;
  }
}

addRecognizer((value) => SessionBinding.read(value) !== undefined);

export function bindSession(target: object, session: object): void {
  new SessionBinding(target, session);
}

/** Returns the session that is bound to an object, even if the session has ended; `undefined` if no session is bound to the value. */
export function boundSession(value: unknown): object | undefined {
  return typeof value === 'object' && value !== null ? SessionBinding.read(value) : undefined;
}

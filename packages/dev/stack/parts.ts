/** The running parts of a stack, in the order they started, to be stopped in the reverse order. */

export interface Part {
  stop(): Promise<void>;
}

/** `add` starts no part that outlives the stack: what is ready only after the stop began is stopped at once. */
export class StackParts {
  #parts = new AsyncDisposableStack();

  /** Waits for a part to start and takes charge of stopping it. */
  async add<T extends Part>(starting: T | Promise<T>): Promise<T> {
    const part = await starting;
    if (this.#parts.disposed) {
      await part.stop();
      throw new Error("Cannot start the stack: it was stopped while it was starting");
    }
    this.#parts.defer(() => part.stop());
    return part;
  }

  /** Stops every part, newest first, also when one of them fails to; throws then, at the end. */
  stop(): Promise<void> {
    return this.#parts.disposeAsync();
  }
}

/**
 * Waits until each has started or failed, then throws the first failure. Promise.all would throw while others are
 * still starting, and they would be left behind.
 */
export async function allStarted<T extends readonly unknown[]>(...starting: T) {
  await Promise.allSettled(starting);
  return await Promise.all(starting);
}

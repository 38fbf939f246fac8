/**
 * Wakes a reader that waits for any of several things, without a timer for each wait, because a stream waits for each of its
 * events.
 */

export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;
  #wokenAt = -Infinity;
  #feed: object | undefined;
  #stop = () => {};

  readonly ring = (): void => {
    this.#rung = true;
    this.#wake?.();
  };

  /** From now on, this rings the bell, and the previous feed no longer does. */
  hear(feed: { listen(listener: () => void): () => void } | undefined): void {
    if (feed === this.#feed) return;
    this.#stop();
    this.#feed = feed;
    this.#stop = feed?.listen(this.ring) ?? (() => {});
  }

  /**
   * Resolves when the bell rings, or rang since the last wait, and after `ms` at the latest.
   * @param gapMs resolves no sooner than this after the last wait ended, so that several rings count as one
   */
  async wait(ms: number, gapMs: number): Promise<void> {
    if (!this.#rung) {
      const timer = setTimeout(this.ring, ms);
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
      clearTimeout(timer);
    }
    const early = this.#wokenAt + gapMs - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    this.#rung = false;
    this.#wokenAt = performance.now();
  }

  /** Nobody waits any more. */
  leave(): void {
    this.#stop();
  }
}

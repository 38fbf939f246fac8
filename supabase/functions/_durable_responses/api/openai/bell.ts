/** Wakes one who waits for any of several things, with no timer for each wait: a stream waits for each of its events. */

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

  /** Is rung by this from now on, and no more by what rang it before. */
  hear(feed: { listen(listener: () => void): () => void } | undefined): void {
    if (feed === this.#feed) return;
    this.#stop();
    this.#feed = feed;
    this.#stop = feed?.listen(this.ring) ?? (() => {});
  }

  /**
   * Resolves when it is rung, or was since the last wait; after `ms` at most.
   * @param gapMs no sooner than this after the last wait was over: what rings meanwhile is one
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

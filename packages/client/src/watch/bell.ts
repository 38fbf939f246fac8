/** Lets a loop sleep until something rings, its time is up, or a signal is aborted. */
export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /**
   * Returns at once if it has rung since the last wait.
   * @throws the signal's reason
   */
  async wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        const end = () => {
          clearTimeout(timer);
          resolve();
        };
        this.#wake = end;
        signal?.addEventListener("abort", end, { once: true });
      });
      this.#wake = undefined;
    }
    this.#rung = false;
    signal?.throwIfAborted();
  }
}

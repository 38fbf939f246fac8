/** The mailbox's tools. */
export type ToolName = "gmail_find_email" | "gmail_reply_to_email";

/**
 * One planned misfortune of a tool.
 * `before`: an error, and nothing happened; `after`: the side effect happened, and then an error;
 * `die`: the side effect happened, and the connection is dropped with no answer.
 */
export interface ToolFault {
  tool: ToolName;
  when: "before" | "after" | "die";
  /** How many calls it hits, 1 by default. */
  times?: number;
  message?: string;
}

/** Delays and faults that a test has asked for, per tool. */
export class ToolHooks {
  #delays = new Map<ToolName, number>();
  #faults: { fault: ToolFault; left: number }[] = [];

  /** Every later call of `tool` takes `ms` longer, before its side effect. */
  setDelay(tool: ToolName, ms: number): void {
    this.#delays.set(tool, ms);
  }

  fail(fault: ToolFault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#delays.clear();
    this.#faults = [];
  }

  delayOf(tool: ToolName): number {
    return this.#delays.get(tool) ?? 0;
  }

  /** Takes the next fault that is due for `tool`, if any. */
  takeFault(tool: ToolName): ToolFault | undefined {
    const entry = this.#faults.find((each) => each.fault.tool === tool && each.left > 0);
    if (entry === undefined) return undefined;
    entry.left -= 1;
    return entry.fault;
  }
}

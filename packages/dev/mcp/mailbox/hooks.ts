/** What a test has asked for: delays and faults of the tools. */
import { ArmedList } from "../../openai/faults/armed-list.ts";

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

export class ToolHooks {
  readonly #delays = new Map<ToolName, number>();
  readonly #faults = new ArmedList<ToolFault>(() => 0);

  /** Every later call of `tool` takes `ms` longer, before its side effect. */
  setDelay(tool: ToolName, ms: number): void {
    this.#delays.set(tool, ms);
  }

  fail(fault: ToolFault): void {
    this.#faults.add({ times: 1, ...fault });
  }

  clear(): void {
    this.#delays.clear();
    this.#faults.clear();
  }

  delayOf(tool: ToolName): number {
    return this.#delays.get(tool) ?? 0;
  }

  /** Takes the next fault that is due for `tool`, if any. */
  takeFault(tool: ToolName): ToolFault | undefined {
    return this.#faults.take((fault) => fault.tool === tool);
  }
}

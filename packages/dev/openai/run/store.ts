import { type InputItem, InputItemSchema } from "../request/items.ts";
import type { ItemSource } from "../request/assemble.ts";
import type { Run } from "./run.ts";

/** A response that can be retrieved, with the input that it was created with. */
export interface StoredRun {
  run: Run;
  /** What `input_items` lists. */
  own: readonly InputItem[];
}

/** The responses that OpenAI would have kept: all but those with `store: false`. */
export class RunStore implements ItemSource {
  #runs = new Map<string, StoredRun>();

  add(stored: StoredRun): void {
    if (stored.run.request.store !== false) this.#runs.set(stored.run.id, stored);
  }

  get(id: string): StoredRun | undefined {
    return this.#runs.get(id);
  }

  delete(id: string): boolean {
    return this.#runs.delete(id);
  }

  itemsOf(responseId: string): readonly InputItem[] | undefined {
    const stored = this.#runs.get(responseId);
    if (stored === undefined) return undefined;
    return [...stored.run.input, ...outputAsInput(stored.run)];
  }

  item(id: string): InputItem | undefined {
    for (const { run, own } of this.#runs.values()) {
      const found = [...own, ...outputAsInput(run)].find((item) => item.id === id);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** Every kind of output item is an input item too. */
function outputAsInput(run: Run): InputItem[] {
  return run.response.output.map((item) => InputItemSchema.parse(item));
}

/** Ids of steps: an item's own if it is unique, otherwise one of ours. */
import type { Item } from "../model/items.ts";
import type { ApprovedCall } from "./approved-calls.ts";

/** In characters. Longer ids are kept only in the item, because an index must be able to store a step's id. */
const longestId = 200;

/**
 * Gives each item of an attempt a unique id. Items are told apart by their places, because the ids that OpenAI, or a
 * compatible server, gives them may be empty, repeated, or change on the way.
 */
export class StepIds {
  readonly #taken = new Map<string, unknown>();
  readonly #ids = new Map<unknown, string>();

  constructor(private readonly jobId: string) {}

  /** @param place the item's place: anything that is the same for one item, and for no other of the attempt */
  of(item: Item, place: unknown): string {
    const known = this.#ids.get(place);
    if (known !== undefined) return known;
    const own = item["id"];
    const usable = typeof own === "string" && own !== "" && own.length <= longestId &&
      !this.#taken.has(own);
    const id = usable ? own : this.#made(item.type);
    this.keep(id, place);
    return id;
  }

  /** Approved calls whose steps have ids of their own: two requests of a run may have the same id. */
  apart(calls: ApprovedCall[]): ApprovedCall[] {
    return calls.map((call) => {
      let stepId = call.stepId;
      for (let number = 2; this.#taken.has(stepId); number++) stepId = `${call.stepId}_${number}`;
      const named = { ...call, stepId };
      this.keep(stepId, named);
      return named;
    });
  }

  /** The id of a place; undefined before it has one. */
  known(place: unknown): string | undefined {
    return this.#ids.get(place);
  }

  /** Sets the id of a place. */
  keep(id: string, place: unknown): void {
    this.#taken.set(id, place);
    this.#ids.set(place, id);
  }

  #made(kind: string): string {
    const stem = `${kind.slice(0, 60)}_${this.jobId.replaceAll("-", "")}`;
    let number = this.#ids.size;
    while (this.#taken.has(`${stem}_${number}`)) number++;
    return `${stem}_${number}`;
  }
}

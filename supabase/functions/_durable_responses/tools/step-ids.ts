/** Ids of steps: an item's own where that tells it from every other, else one of ours. */
import type { Item } from "../model/items.ts";

/** Longer ids are kept in the item only: an index has to hold a step's. */
const longestId = 200;

/**
 * Gives each item of an attempt an id that no other has. Items are told apart by their places, since what OpenAI, or a server that
 * speaks like it, calls them may be empty, repeated, or change on the way.
 */
export class StepIds {
  readonly #taken = new Map<string, unknown>();
  readonly #ids = new Map<unknown, string>();

  constructor(private readonly jobId: string) {}

  /** @param place the item's place: whatever is the same for one item, and for no other of the attempt */
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

  /** The id that a place has got; undefined before it has one. */
  known(place: unknown): string | undefined {
    return this.#ids.get(place);
  }

  /** Says that an id is a place's. */
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

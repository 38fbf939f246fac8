/** The items of one streamed response, identified by their places: ids may be empty, repeated, or change. */
import { type Item, messageOf, readItem } from "../model/items.ts";
import { type UpstreamResponse, withOutput } from "../model/upstream-response.ts";

/** Stands for one item of one response, whatever its id. Compared by identity. */
export interface Place {
  /** Its position in the output, from 0. */
  readonly index: number;
}

interface Seen {
  place: Place;
  /** The place that the stream gave. */
  told: number | undefined;
  id: string;
  finished: Item | undefined;
}

/** Follows the items of one response as they start and finish. */
export class FinishedItems {
  readonly #seen: Seen[] = [];

  /** The place of an item that starts. */
  begin(told: unknown, item: Item): Place {
    const seen = this.#find(told, idOf(item));
    return (seen && !seen.finished ? seen : this.#add(told, item)).place;
  }

  /** The place of an unfinished item that an event names; undefined if it names none. */
  find(told: unknown, id: string): Place | undefined {
    return this.#find(told, id)?.place;
  }

  /** The place of a finished item; undefined if it is reported a second time. */
  finish(told: unknown, item: Item): Place | undefined {
    let seen = this.#find(told, idOf(item));
    if (seen?.finished) {
      if (JSON.stringify(seen.finished) === JSON.stringify(item)) return undefined;
      seen = this.#add(told, item);
    }
    seen ??= this.#add(told, item);
    seen.finished = item;
    return seen.place;
  }

  /**
   * The final response with everything that was streamed and finished, even if the final response contains less; and the
   * items that only it has, which are reported as finished now.
   */
  complete(response: UpstreamResponse): { response: UpstreamResponse; late: [Item, Place][] } {
    const left = [...response.output];
    const late: [Item, Place][] = [];
    const streamed = this.#seen.flatMap(({ finished, place }) => {
      if (finished === undefined) return [];
      const at = matchOf(left, finished, place);
      const again = at === -1 ? undefined : left.splice(at, 1)[0];
      return [again === undefined || saysLess(again, finished) ? finished : again];
    });
    for (const item of left) {
      const open = this.#seen.find((seen) =>
        !seen.finished && (seen.id === "" || seen.id === idOf(item))
      ) ?? this.#add(undefined, item);
      open.finished = item;
      late.push([item, open.place]);
    }
    if (streamed.length === 0) return { response, late };
    const output = left.length === 0 ? streamed : inOrder(response.output, streamed, left);
    return { response: withOutput({ ...response, outputIsList: true }, output), late };
  }

  #find(told: unknown, id: string): Seen | undefined {
    const open = this.#seen.filter(({ finished }) => !finished);
    const at = (seen: Seen) => typeof told === "number" && seen.told === told;
    return open.findLast((seen) => at(seen) && seen.id === id) ?? open.findLast(at) ??
      (id === "" ? undefined : open.findLast((seen) => seen.id === id)) ??
      (typeof told === "number" ? undefined : open.at(-1)) ??
      this.#seen.findLast((seen) => at(seen) && seen.id === id);
  }

  #add(told: unknown, item: Item): Seen {
    const seen: Seen = {
      place: { index: this.#seen.length },
      told: typeof told === "number" ? told : undefined,
      id: idOf(item),
      finished: undefined,
    };
    this.#seen.push(seen);
    return seen;
  }
}

function idOf(item: Item): string {
  const { id } = readItem(item);
  return typeof id === "string" ? id : "";
}

/** The final item that is the same as a streamed one: by its id, or otherwise the first of its kind with the same content. */
function matchOf(items: Item[], streamed: Item, { index }: Place): number {
  const id = idOf(streamed);
  const byId = id === "" ? -1 : items.findIndex((item) => idOf(item) === id);
  if (byId !== -1) return byId;
  const text = JSON.stringify(streamed);
  const same = items.findIndex((item) => JSON.stringify(item) === text);
  if (same !== -1) return same;
  // Its id may have changed: then it is the item of the same kind at its place.
  const there = items.findIndex((item, at) => item.type === streamed.type && at === index);
  return there === -1 ? items.findIndex((item) => item.type === streamed.type) : there;
}

function saysLess(item: Item, streamed: Item): boolean {
  const [now, before] = [messageOf(item), messageOf(streamed)];
  if (now && before) {
    return now.text.length + now.refusal.length < before.text.length + before.refusal.length;
  }
  const filled = (of: Item) => Object.values(of).filter((value) => value !== null).length;
  return filled(item) < filled(streamed);
}

/** The streamed items in their own order, with items that only the final response has at their place there. */
function inOrder(final: Item[], streamed: Item[], left: Item[]): Item[] {
  const output = [...streamed];
  for (const item of left) output.splice(Math.min(final.indexOf(item), output.length), 0, item);
  return output;
}

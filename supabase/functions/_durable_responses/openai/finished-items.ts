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
  type: string;
  finished: Item | undefined;
}

type Finished = Seen & { finished: Item };

function isFinished(seen: Seen): seen is Finished {
  return seen.finished !== undefined;
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

  /**
   * The place of a finished item; undefined if it is reported a second time. A later report of a call with the same id and
   * place replaces the first: some servers report a call as done before it is.
   */
  finish(told: unknown, item: Item): Place | undefined {
    let seen = this.#find(told, idOf(item));
    // An item of another type is another item.
    if (seen && !seen.finished && !mayBecome(seen, item)) seen = undefined;
    if (seen?.finished) {
      if (isEqual(seen.finished, item)) return undefined;
      const isSame = seen.id !== "" && seen.id === idOf(item) && seen.told === told &&
        isSameCall(seen.finished, item);
      if (!isSame) seen = this.#add(told, item);
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
    const finished = this.#seen.filter(isFinished);
    const final = finalItems(finished, response.output);
    const streamed = finished.flatMap((seen) => {
      const again = final.get(seen);
      if (again === undefined && (isRepeated(seen, finished) || isOneCall(seen, final))) return [];
      return [again === undefined || saysLess(again, seen.finished) ? seen.finished : again];
    });
    const known = new Set(final.values());
    const left = response.output.filter((item) => !known.has(item));
    const late = left.map((item): [Item, Place] => {
      const open = this.#seen.find((seen) =>
        !seen.finished && mayBecome(seen, item) && (seen.id === "" || seen.id === idOf(item))
      ) ?? this.#add(undefined, item);
      open.finished = item;
      return [item, open.place];
    });
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
      type: item.type,
      finished: undefined,
    };
    this.#seen.push(seen);
    return seen;
  }
}

function mayBecome({ type }: Seen, item: Item): boolean {
  return type === item.type || type === "unknown";
}

function idOf(item: Item): string {
  const { id } = readItem(item);
  return typeof id === "string" ? id : "";
}

type Same = (final: Item, at: number, streamed: Finished) => boolean;

/** How a final item is known to be a streamed one: ids may have changed or repeat, and items may be missing. The surest first. */
const ways: readonly Same[] = [
  (final, _at, { finished }) => isEqual(final, finished),
  (final, _at, { finished }) => isEqual(withoutId(final), withoutId(finished)),
  (final, _at, { id }) => id !== "" && idOf(final) === id,
  (final, at, { finished, place }) => final.type === finished.type && at === place.index,
  (final, _at, { finished }) => final.type === finished.type,
];

/** The final item of each streamed one that has one. */
function finalItems(streamed: Finished[], output: readonly Item[]): Map<Finished, Item> {
  const found = new Map<Finished, Item>();
  const taken = new Set<number>();
  // Each way for all items before the next way: a guess must not take what another item surely is.
  for (const isSame of ways) {
    for (const seen of streamed) {
      if (found.has(seen)) continue;
      const at = output.findIndex((item, index) => !taken.has(index) && isSame(item, index, seen));
      const item = output[at];
      if (item === undefined) continue;
      taken.add(at);
      found.set(seen, item);
    }
  }
  return found;
}

/** Whether the stream has told the same item at the same place before. */
function isRepeated(seen: Finished, all: Finished[]): boolean {
  return seen.id !== "" && seen.told !== undefined &&
    all.slice(0, all.indexOf(seen)).some((before) =>
      before.told === seen.told && isEqual(before.finished, seen.finished)
    );
}

/** Whether a call is told again, further on than before. */
function isSameCall(before: Item, now: Item): boolean {
  if (now.type !== "mcp_call" && typeof now["call_id"] !== "string") return false;
  const named = ["type", "call_id", "server_label", "name"].every((field) =>
    before[field] === now[field]
  );
  return named && (!before["arguments"] || before["arguments"] === now["arguments"]);
}

/** Whether a streamed call that the final response does not have is one that it has: the stream has told it twice. */
function isOneCall({ finished: item }: Finished, final: ReadonlyMap<Finished, Item>): boolean {
  const { call_id: id } = item;
  if (typeof id !== "string" || id === "") return false;
  return [...final.keys()].some(({ finished: other }) =>
    other["call_id"] === id && isEqual(withoutState(other), withoutState(item))
  );
}

function withoutState(item: Item): Item {
  return { ...withoutId(item), status: undefined };
}

function isEqual(one: Item, other: Item): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function withoutId(item: Item): Item {
  return { ...item, id: undefined };
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

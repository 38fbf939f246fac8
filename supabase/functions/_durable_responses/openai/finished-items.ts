/** The items of one streamed response, identified by their places: ids may be empty, repeated, or change. */
import { isInFlight, isUnfinished, type Item } from "../model/items.ts";
import { isLeftCall, leftCallOf } from "../model/left-calls.ts";
import { isSameItem } from "../model/repeated-items.ts";
import { idOf, isEqual, isLikeCall, isSameCall, saysLess, withoutId } from "../model/same-item.ts";
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

/** Whether an item at the place of a finished one, with its id, is the same item as it ended later. */
function isLater(item: Item, { finished, told, id }: Seen, at: unknown): boolean {
  return finished !== undefined && told !== undefined && told === at && id !== "" &&
    id === idOf(item) && finished.type === item.type &&
    (isUnfinished(finished) || finished["arguments"] === "" || isSameCall(finished, item));
}

function isFinished(seen: Seen): seen is Finished {
  return seen.finished !== undefined;
}

/** Follows the items of one response as they start and finish. */
export class FinishedItems {
  readonly #seen: Seen[] = [];

  /** The place of an item that starts. */
  begin(told: unknown, item: Item): Place {
    const seen = this.#find(told, idOf(item));
    const isNew = seen === undefined || seen.finished !== undefined ||
      // A call that starts while another one is open, at its place or at none, is not that one.
      item.type === "mcp_call" && seen.id !== "" && idOf(item) !== "" && seen.id !== idOf(item);
    return (isNew ? this.#add(told, item) : seen).place;
  }

  /** The place of an unfinished item that an event names; undefined if it names none. */
  find(told: unknown, id: string): Place | undefined {
    return this.#find(told, id)?.place;
  }

  /**
   * The place of a finished item; undefined if it is reported a second time. Some servers report an item first as it was in the
   * middle, then as it is in the end: it keeps its place, and the last report counts.
   */
  finish(told: unknown, item: Item): Place | undefined {
    let seen = this.#find(told, idOf(item));
    // An item of another type is another item.
    if (seen && !seen.finished && !mayBecome(seen, item)) seen = undefined;
    if (seen?.finished) {
      if (isEqual(seen.finished, item)) return undefined;
      if (!isLater(item, seen, told)) seen = this.#add(told, item);
    }
    // A call has been in the ledger since it started, and may be another one with the same id.
    const same = item.type === "mcp_call" ? undefined : this.#sameAs(item);
    if (same !== undefined && same !== seen) {
      if (!isUnfinished(item)) same.finished = item;
      return undefined;
    }
    seen ??= this.#add(told, item);
    seen.finished = item;
    return seen.place;
  }

  /**
   * The final response with everything that was streamed and finished, even if the final response contains less; and the
   * items that only it has, or has finished, which are reported now.
   */
  complete(response: UpstreamResponse): { response: UpstreamResponse; late: [Item, Place][] } {
    const finished = this.#seen.filter(isFinished);
    const final = finalItems(finished, response.output);
    const streamed = finished.flatMap((seen) => {
      const again = final.get(seen);
      if (again === undefined && isRepeated(seen, finished, final)) return [];
      if (again === undefined || isLess(again, seen.finished)) return [seen.finished];
      return [withFieldsOf(seen.finished, again)];
    });
    const known = new Set(final.values());
    const left = response.output.filter((item) => !known.has(item));
    // Reported in the middle, and only now as it ended.
    const ended = finished.flatMap((seen): [Item, Place][] => {
      const again = final.get(seen);
      return again !== undefined && seen.finished.type === "mcp_call" &&
          isInFlight(seen.finished) && !isInFlight(again)
        ? [[again, seen.place]]
        : [];
    });
    const added = left.map((item): [Item, Place] => {
      const open = this.#seen.find((seen) =>
        !seen.finished && mayBecome(seen, item) && (seen.id === "" || seen.id === idOf(item))
      ) ?? this.#add(undefined, item);
      open.finished = item;
      return [item, open.place];
    });
    const late = [...ended, ...added];
    if (streamed.length === 0) return { response, late };
    const output = left.length === 0 ? streamed : inOrder(response.output, streamed, left);
    return { response: withOutput({ ...response, outputIsList: true }, output), late };
  }

  /** The same item, if it has been reported at another place. */
  #sameAs(item: Item): Finished | undefined {
    return this.#seen.filter(isFinished).find(({ finished }) => isSameItem(finished, item));
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

type Same = (final: Item, at: number, streamed: Finished) => boolean;

/** How a final item is known to be a streamed one: ids may have changed or repeat, and items may be missing. The surest first. */
const ways: readonly Same[] = [
  (final, _at, { finished }) => isEqual(final, finished),
  (final, _at, { finished }) => isEqual(withoutId(final), withoutId(finished)),
  (final, _at, { id }) => id !== "" && idOf(final) === id,
  (final, at, { finished, place }) => mayBeSame(final, finished) && at === place.index,
  (final, _at, { finished }) => mayBeSame(final, finished),
];

/** Calls that ask for something else are not the same, whatever their places. */
function mayBeSame(final: Item, streamed: Item): boolean {
  return final.type === streamed.type && (final.type !== "mcp_call" ||
    final["arguments"] === "" || streamed["arguments"] === "" || isLikeCall(final, streamed));
}

/** Whether the final response has lost what was streamed. What was streamed may have been sent before the item's end. */
function isLess(final: Item, streamed: Item): boolean {
  return saysLess(final, streamed) && (isUnfinished(final) || !isUnfinished(streamed));
}

/** A message with the fields that only its streamed form has: some gateways leave out what they do not know, such as its phase. */
function withFieldsOf(streamed: Item, final: Item): Item {
  if (final.type !== "message" || streamed.type !== "message") return final;
  const lost = Object.entries(streamed).filter(([field, value]) =>
    value !== null && (final[field] ?? null) === null
  );
  return lost.length === 0 ? final : { ...final, ...Object.fromEntries(lost) };
}

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

/**
 * Whether a streamed item that the final response does not have is one that is there anyway, sent again or in an earlier form.
 * Of calls of ours, only the final response can say that there are several with one call_id, by their own ids: none is made twice.
 */
function isRepeated(
  seen: Finished,
  all: Finished[],
  final: ReadonlyMap<Finished, Item>,
): boolean {
  const isBefore = (other: Finished) => all.indexOf(other) < all.indexOf(seen);
  const isTold = (other: Finished) => seen.told !== undefined && other.told === seen.told;
  return all.some((other) => {
    if (other === seen) return false;
    const stays = final.has(other) || isBefore(other);
    const [item, same] = [seen.finished, other.finished];
    if (isLeftCall(item) && stays && isSameCall(item, same) && hasCallId(item)) return true;
    if (seen.id !== "" && stays && isEqual(item, same)) return true;
    if (!isTold(other)) return false;
    if (!final.has(other)) return false;
    return isLikeCall(item, same) && (isLeftCall(item) || seen.id === other.id) ||
      seen.id !== "" && seen.id === other.id && item.type === same.type && !isCall(item);
  });
}

function hasCallId(item: Item): boolean {
  const { callId = "" } = leftCallOf(item) ?? {};
  return callId !== "";
}

/** What OpenAI has done stays in the output, whatever the final response says. */
function isCall({ type }: Item): boolean {
  return type.endsWith("_call");
}

/** The streamed items in their own order, with items that only the final response has at their place there. */
function inOrder(final: Item[], streamed: Item[], left: Item[]): Item[] {
  const output = [...streamed];
  for (const item of left) output.splice(Math.min(final.indexOf(item), output.length), 0, item);
  return output;
}

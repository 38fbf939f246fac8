/** An item of a run, from its first event to its last. */
import { MaskedPieces } from "../live/masked-pieces.ts";
import type { OpenItem } from "./open-item.ts";

/** A part of an item that is written in pieces. */
export interface Part {
  /** The event that writes it, and its place. They are the same for every piece. */
  type: string;
  content_index: unknown;
  summary_index: unknown;
  /** The same as JSON, after the number. */
  place: string;
  pieces: MaskedPieces;
}

export interface Told {
  /** OpenAI's place and id of the item, in the current request. */
  index: unknown;
  id: unknown;
  /** Undefined if it is hidden. */
  open: OpenItem | undefined;
  /** The last one is the one that is being written. */
  parts: Part[];
}

/** The part that an event of this type writes at. */
export function partOf(
  told: Told,
  open: OpenItem,
  type: string,
  { content_index, summary_index }: Record<string, unknown>,
): Part {
  const isIt = (part: Part) => isPart(part, type, { content_index, summary_index });
  const last = told.parts.at(-1);
  if (last !== undefined && isIt(last)) return last;
  const part = told.parts.find(isIt) ?? {
    type,
    content_index,
    summary_index,
    place: JSON.stringify({
      item_id: open.id,
      output_index: open.index,
      content_index,
      summary_index,
    }).slice(1, -1),
    pieces: new MaskedPieces(),
  };
  told.parts = [...told.parts.filter((other) => other !== part), part];
  return part;
}

export function isPart(part: Part, type: string, at: Record<string, unknown>): boolean {
  return part.type === type && part.content_index === at["content_index"] &&
    part.summary_index === at["summary_index"];
}

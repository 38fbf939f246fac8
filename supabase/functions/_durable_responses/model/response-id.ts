/** OpenAI's id of a response: stored, indexed, and part of an address. */

/** In characters. Longer ids do not fit into an index. No id of OpenAI, or of a gateway that wraps it, is nearly that long. */
const longestId = 600;

/** Whether a response with this id can be stored and asked for: no half of a surrogate pair, no U+0000, no `..` in a path. */
export function isResponseId(id: string): boolean {
  return id !== "" && id.length <= longestId && id.isWellFormed() && !id.includes("\0") &&
    id !== "." && id !== "..";
}

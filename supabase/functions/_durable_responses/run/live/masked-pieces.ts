/** Text that comes in pieces, in the form in which it may be shown. */
import { maskBeginning } from "../../platform/redact.ts";

/**
 * Masks a text piece by piece, in the same way as the whole when it is stored. What may be the beginning of a credential,
 * and half of a surrogate pair, waits for what follows.
 */
export class MaskedPieces {
  #unclear = "";

  /** The part that may be shown now; empty as long as that is unclear. */
  add(piece: string): string {
    const { shown, rest } = maskBeginning(this.#unclear + piece);
    const half = endsInHalf(shown) ? 1 : 0;
    this.#unclear = shown.slice(shown.length - half) + rest;
    return shown.slice(0, shown.length - half);
  }

  /** The part that was held back, when nothing more comes. */
  rest(): string {
    const rest = this.#unclear;
    this.#unclear = "";
    return rest;
  }
}

/** True if a text ends with the first half of a surrogate pair. */
export function endsInHalf(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
}

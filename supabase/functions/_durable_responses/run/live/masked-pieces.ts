/** Text that comes in pieces, as it may be shown. */
import { maskBeginning } from "../../platform/redact.ts";

/**
 * Masks a text piece by piece, as the whole will be when it is stored. What may be the beginning of a credential, and half of a
 * surrogate pair, waits for what follows.
 */
export class MaskedPieces {
  #unclear = "";

  /** What may be shown now; empty while that is not clear. */
  add(piece: string): string {
    const { shown, rest } = maskBeginning(this.#unclear + piece);
    const half = endsInHalf(shown) ? 1 : 0;
    this.#unclear = shown.slice(shown.length - half) + rest;
    return shown.slice(0, shown.length - half);
  }

  /** What was held back, when nothing more comes. */
  rest(): string {
    const rest = this.#unclear;
    this.#unclear = "";
    return rest;
  }
}

/** True when a text ends with the first half of a surrogate pair. */
export function endsInHalf(text: string): boolean {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff;
}

/** Puts the live text of a job together. */
import { number, text as textField, toRow } from "../data/fields.ts";

export interface TextUpdate {
  attempt: number;
  delta: string;
  text: string;
}

/**
 * Messages carry where their text begins, so a repeated one adds nothing, and one that comes after a gap is not taken: the
 * worker sends all of the text again to whoever says so.
 */
export class TextAssembler {
  #attempt = 0;
  #text = "";

  /**
   * What is new, if anything; `gap` when text is missing before it.
   * @throws TypeError for what is no such message
   */
  add(payload: unknown): { update?: TextUpdate; gap: boolean } {
    const row = toRow(payload);
    const attempt = number(row, "attempt");
    const offset = number(row, "offset");
    const delta = textField(row, "delta");
    if (attempt < this.#attempt) return { gap: false };
    if (attempt > this.#attempt) {
      this.#attempt = attempt;
      this.#text = "";
    }
    if (offset > this.#text.length) return { gap: true };
    const fresh = delta.slice(this.#text.length - offset);
    if (fresh === "") return { gap: false };
    this.#text += fresh;
    return { update: { attempt, delta: fresh, text: this.#text }, gap: false };
  }
}

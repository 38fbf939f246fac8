/** Assembles the live text of a job. */
import { number, text as textField, toRow } from "../data/fields.ts";

export interface TextUpdate {
  attempt: number;
  delta: string;
  text: string;
}

/**
 * Messages say where their text starts. A repeated one therefore adds nothing, and one after a gap is ignored: the client
 * then asks the worker to send all of the text again.
 */
export class TextAssembler {
  #attempt = 0;
  #text = "";

  /**
   * The new part, if any; `gap` if text before it is missing.
   * @throws TypeError if it is not such a message
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

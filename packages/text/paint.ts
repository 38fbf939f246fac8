/** Colors that only our code can put into a line. */
import { visible } from "./visible.ts";

/** Random, so that it cannot occur in text from elsewhere. */
const mark = `⟪${crypto.randomUUID()}⟫`;

/** A text between two SGR codes, for `forTerminal`. */
export function painted(text: string, begin: number, end: number): string {
  return `${mark}${begin}m${visible(text)}${mark}${end}m`;
}

/** The text for a terminal: our colors, and no other control characters. */
export function forTerminal(text: string): string {
  return visible(text).replaceAll(mark, "\x1b[");
}

/** Colours that only we can put into a line. */
import { visible } from "./visible.ts";

/** Nobody else knows it, so what stands in a text of others is never taken for it. */
const mark = `⟪${crypto.randomUUID()}⟫`;

/** A text between two SGR codes, to be shown with `forTerminal`. */
export function painted(text: string, begin: number, end: number): string {
  return `${mark}${begin}m${visible(text)}${mark}${end}m`;
}

/** What is written to a terminal: our colours, and nothing else that acts. */
export function forTerminal(text: string): string {
  return visible(text).replaceAll(mark, "\x1b[");
}

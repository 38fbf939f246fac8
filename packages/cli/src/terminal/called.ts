/** How this program was started, for hints that name another command. */
import { relative, sep } from "node:path";
import process from "node:process";

const published = /\bnpx durable-responses(?:@latest)?(?= |$)/g;

/** A path from here, or the whole one if it leads far away. */
export function shownPath(cwd: string, path: string): string {
  const fromHere = relative(cwd, path);
  return fromHere.startsWith(`..${sep}..`) ? path : fromHere;
}

/**
 * The text with `npx durable-responses` replaced by a command that works here: before the package is published, there is
 * only the built file.
 */
export function asCalled(text: string, main: string = process.argv[1] ?? ""): string {
  if (main.includes(`${sep}node_modules${sep}`) || !main.endsWith("main.js")) return text;
  const shown = shownPath(process.cwd(), main);
  return text.replaceAll(published, `node ${/\s/.test(shown) ? JSON.stringify(shown) : shown}`);
}

/** How this program was started and where its documentation is, for hints that name another command or a page. */
import { relative, sep } from "node:path";
import process from "node:process";
import { docsFolder } from "../project/release.ts";

const published = /\bnpx durable-responses(?:@latest)?(?= |$)/g;
/** A page that the package brings along. */
const page = /\b([\w-]+\.md(?:#[\w-]+)?) in the package's docs\b/g;

/** A path from here, or the whole one if it leads far away. */
export function shownPath(cwd: string, path: string): string {
  const fromHere = relative(cwd, path);
  return fromHere.startsWith(`..${sep}..`) ? path : fromHere;
}

/**
 * The text with the path of each page that the package brings, and `npx durable-responses` by a command that
 * works here: before the package is published, there is only the built file.
 */
export function asCalled(text: string, main: string = process.argv[1] ?? ""): string {
  const located = text.replaceAll(page, `${shownPath(process.cwd(), docsFolder())}${sep}$1`);
  if (main.includes(`${sep}node_modules${sep}`) || !main.endsWith("main.js")) return located;
  const shown = shownPath(process.cwd(), main);
  return located.replaceAll(published, `node ${/\s/.test(shown) ? JSON.stringify(shown) : shown}`);
}

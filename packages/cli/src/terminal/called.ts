/** How this program was started, for hints that name another command. */
import { relative, sep } from "node:path";
import process from "node:process";

const published = /\bnpx durable-responses(?:@latest)?(?= |$)/g;

/**
 * The text with `npx durable-responses` replaced by a command that works here: before the package is published, there is
 * only the built file.
 */
export function asCalled(text: string, main: string = process.argv[1] ?? ""): string {
  if (main.includes(`${sep}node_modules${sep}`) || !main.endsWith("main.js")) return text;
  const path = relative(process.cwd(), main);
  const shown = path.startsWith(`..${sep}..`) ? main : path;
  return text.replaceAll(published, `node ${/\s/.test(shown) ? JSON.stringify(shown) : shown}`);
}

/**
 * `deno run -A scripts/demo/picture.ts`: runs the default demo, and draws what it prints as docs/demo.svg. The picture has
 * nothing that the run did not print.
 */
import { join } from "node:path";
import { forTerminal } from "../../packages/text/paint.ts";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { drawTerminal } from "./picture/svg.ts";
import { playDefault } from "./play.ts";
import { mailQuery } from "./scenarios/mail.ts";
import { paintAnsi } from "./timeline/terminal.ts";

const columns = 112;
const file = join(projectRoot, "docs", "demo.svg");

const printed: string[] = [];
const { ok } = await playDefault(
  { query: mailQuery, wallClockMs: undefined, outside: undefined },
  {
    width: columns,
    paint: paintAnsi,
    write: (text) => printed.push(...forTerminal(text).split("\n")),
  },
);
if (!ok) throw new Error(`Cannot draw the demo: it did not end well\n${printed.join("\n")}`);
await Deno.writeTextFile(file, drawTerminal("npm run demo", columns, printed));
console.log(`Drew ${printed.length} lines in ${file}`);

/** `npm run format`: writes the format that `npm run check` wants. */
import { runAlone } from "./check/alone.ts";
import { checkFormat } from "./check/deno.ts";

await runAlone("format", "Formats all files", {
  name: "format",
  run: () => checkFormat(true),
});

/** Why profiles.ts cannot be loaded, in one sentence, with the place in the adopter's own files. */

export interface LoadFault {
  message: string;
  hint: string;
}

/**
 * @param error what importing it threw
 * @param functions the URL of `supabase/functions/`
 */
export function loadFault(error: unknown, functions: string): LoadFault {
  const place = placeOf(error, functions);
  const where = place === undefined ? "" : `, at ${place}`;
  const why = sentenceOf(error).replaceAll(functions, "supabase/functions/");
  return {
    message: `profiles.ts cannot be loaded: ${why}${where}`,
    hint: why.includes("not in import map")
      ? "Add the package to supabase/functions/import_map.json, or import it with npm: and its version, then check again"
      : "The functions would not start with it either. Fix it, then check again",
  };
}

/** What happened, without Deno's excerpt of the code, its advice and its list of places. */
function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return `it throws ${JSON.stringify(error) ?? String(error)}`;
  const [first = ""] = plain(error.message).split("\n");
  const text = first.replace(/ at file:\S+:\d+:\d+$/, "").replace(/\.$/, "");
  // What Deno cannot compile comes as a TypeError with the name of the real error in its text.
  return text.startsWith("SyntaxError: ") ? text : `${error.name}: ${text}`;
}

/** The first place that an adopter wrote: neither a package's nor ours. */
function placeOf(error: unknown, functions: string): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const places = plain(`${error.message}\n${error.stack ?? ""}`).matchAll(
    /file:\/\/[^\s()]+:\d+:\d+/g,
  );
  for (const [place] of places) {
    if (!place.startsWith(functions)) continue;
    const path = place.slice(functions.length);
    if (!path.startsWith("_durable_responses/")) return `supabase/functions/${path}`;
  }
  return undefined;
}

/** Deno colors places, also where NO_COLOR is set. */
function plain(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/\u001b\[[0-9;]*m/g, "");
}

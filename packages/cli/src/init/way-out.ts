/** What to do about files that are in the way of `init`. */
import { defaultFunctionName } from "../project/manifest.ts";
import type { Plan } from "./plan.ts";

/** One sentence for each kind of file that there is, and only what works for it. */
export function wayOut({ conflicts, functionName, installed }: Plan): string {
  const theirs = conflicts.filter(({ isOurs }) => !isOurs).map(({ path }) => path);
  const entry = `functions/${functionName}/`;
  // Clients call the function by its name, so only a first init may choose it.
  const renames = installed === undefined && theirs.some((path) => path.startsWith(entry));
  const others = theirs.filter((path) => !(renames && path.startsWith(entry)));
  return [
    ...(renames
      ? [
        `You have a function called '${functionName}': give ours another name, such as --function-name ${
          functionName === defaultFunctionName ? "ask" : `${functionName}-ai`
        }`,
      ]
      : []),
    ...(others.length > 0
      ? [
        `Rename or move ${
          others.map((path) => `supabase/${path}`).join(", ")
        }. If it is an old copy of ours, --restore FILE replaces it`,
      ]
      : []),
    ...(theirs.length < conflicts.length
      ? [
        `For what you changed: --keep-changed keeps your version, --restore FILE takes the release's`,
      ]
      : []),
  ].join(". ");
}

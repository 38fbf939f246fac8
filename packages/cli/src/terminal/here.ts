/** What to do about a finding, where the project runs on this machine and the commands for the hosted platform would miss it. */

/** Whether the project's URL is one of this machine. */
export function isLocal(url: string): boolean {
  return ["127.0.0.1", "localhost", "[::1]"].includes(new URL(url).hostname);
}

const restart = "restart dev (or supabase functions serve)";
const instead: readonly [RegExp, string][] = [
  [
    /(?:`|npx )supabase secrets set(?: --remote)? (\S+=[^\s`;,]*)`?/g,
    "put $1 into supabase/.env.durable-responses.local and restart dev (with supabase functions serve: supabase/functions/.env)",
  ],
  [/npx supabase functions deploy --remote --use-api( [\w-]+)*/g, restart],
  [
    /npx supabase db push --remote --include-all/g,
    "restart dev (or npx supabase migration up --include-all)",
  ],
];

/** The same advice for a project on this machine. */
export function adviceFor(url: string, advice: string): string {
  if (!isLocal(url)) return advice;
  return instead.reduce((text, [there, here]) => text.replace(there, here), advice);
}

/** `npm run test:long`: more seeds, more jobs, more minutes than `npm test` has time for. */
export const isLong = Deno.env.get("DURABLE_RESPONSES_LONG") === "1";

/** For doctor's smoke test: a webhook is missed sooner than by default. */
import { defineProfiles } from "../../../supabase/functions/_durable_responses/mod.ts";

export const profiles = defineProfiles({
  default: { model: "gpt-6-luna", budgets: { poll_ms: 6_000 } },
});

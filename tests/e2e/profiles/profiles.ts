/** Profiles for tests/e2e/profiles.test.ts, one of them as written before stored prompts end. */
import * as z from "zod/mini";
import {
  defineProfiles,
  type Profile,
} from "../../../supabase/functions/_durable_responses/mod.ts";

const misspelled = JSON.parse('{"instruction": "Be brief."}');
const ofBefore = JSON.parse('{"prompt": {"id": "pmpt_1", "variables": {"city": "Lisbon"}}}');

export const profiles = defineProfiles<Record<string, Profile>>({
  default: { model: "gpt-6-luna", background: false, review_ms: 3_600_000, approval_ms: 60_000 },
  stored: { ...ofBefore },
  /** OpenAI requires every field: `.nullable()` is right, `.optional()` is not. */
  shapeless: {
    model: "gpt-6-luna",
    output: z.object({ note: z.optional(z.string()) }),
  },
  typo: { model: "gpt-6-luna", ...misspelled },
});

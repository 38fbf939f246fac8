/** The database's report about itself: public.response_doctor(). */
import { z } from "zod";

export const reportSchema = z.object({
  now: z.string(),
  /** When the database's server started. */
  started_at: z.string(),
  /** null if the Supabase CLI did not apply them. */
  migrations: z.array(z.string()).nullable(),
  extensions: z.record(z.string(), z.string()),
  cron: z.array(z.object({
    name: z.string(),
    schedule: z.string(),
    active: z.boolean(),
    last_status: z.string().nullable(),
    last_message: z.string().nullable(),
    last_at: z.string().nullable(),
  })),
  vault: z.object({
    project_url: z.string().nullable(),
    has_worker_secret: z.boolean(),
  }),
  net: z.object({
    waiting: z.number(),
    answers_1h: z.number(),
    failures_1h: z.number(),
    last_failure: z.string().nullable(),
  }),
  jobs: z.object({
    queued: z.number(),
    running: z.number(),
    awaiting_approval: z.number(),
    awaiting_tool_output: z.number(),
    needs_review: z.number(),
    oldest_due_s: z.number().nullable(),
    lost_leases: z.number(),
    overdue_polls: z.number(),
    flags_24h: z.number(),
  }),
  schema: z.object({ major: z.number(), minor: z.number() }),
  /** Names that the functions have registered; empty until one has claimed. */
  profiles: z.array(z.string()),
  /** Responses that must be cancelled at OpenAI. */
  cancels: z.object({ waiting: z.number(), most_tries: z.number() }),
  /** The bucket of sent files (null without Storage), and how many of them wait to be removed. */
  files: z.object({
    bucket: z.enum(["private", "public", "missing"]).nullable(),
    waiting: z.number(),
    most_tries: z.number(),
  }),
  /** Jobs that were not streamed, because OpenAI refused it. */
  unstreamed_24h: z.number(),
  errors_24h: z.record(z.string(), z.number()),
  routes: z.array(z.object({
    route: z.string(),
    breaker: z.enum(["closed", "open", "half_open"]),
    last_failure: z.string().nullable(),
    probe_at: z.string().nullable(),
    paused_until: z.string().nullable(),
    pause_reason: z.string().nullable(),
    ignores_approval: z.boolean(),
  })),
  workers: z.number(),
});

export type Report = z.infer<typeof reportSchema>;

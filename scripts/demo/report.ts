/** What `--json` prints about a run. */
import { z } from "zod";
import type { Caller } from "./caller.ts";
import { attemptsOf, callsOf, jobOf, type Rows } from "./observe/rows.ts";

/** Outcomes of tool calls, by the ledger's status. */
const callStatus: Readonly<Record<string, string>> = { finished: "completed" };

export const reportSchema = z.object({
  ok: z.boolean(),
  scenario: z.string().optional(),
  reason: z.string().optional(),
  job: z.object({
    id: z.uuid(),
    status: z.string(),
    profile: z.string(),
    fallback_reason: z.string().nullable(),
    error_code: z.string().nullable(),
    error_message: z.string().nullable(),
    output_text: z.string().nullable(),
  }).nullable(),
  attempts: z.array(z.object({
    number: z.number(),
    mode: z.enum(["background", "synchronous"]),
    outcome: z.string().nullable(),
    error_code: z.string().nullable(),
    error_message: z.string().nullable(),
    worker: z.string().nullable(),
  })),
  tool_calls: z.array(z.object({ name: z.string(), status: z.string() })),
  emails_sent: z.number(),
  timings_ms: z.object({
    accepted: z.number().nullable(),
    failed_over: z.number().nullable(),
    completed: z.number().nullable(),
  }),
});
/** Times are in ms from the request; null for what did not happen. `job` is the first one. */
export type Report = z.infer<typeof reportSchema>;

type Seen = Omit<Report, "ok" | "scenario" | "reason">;

/** If nothing could be asked. */
export const nothingSeen: Seen = {
  job: null,
  attempts: [],
  tool_calls: [],
  emails_sent: 0,
  timings_ms: { accepted: null, failed_over: null, completed: null },
};

/** What happened to the caller's first job. */
export function reportOf(rows: Rows, caller: Caller, emailsSent: number): Seen {
  const [id] = caller.jobs;
  if (id === undefined) return { ...nothingSeen, emails_sent: emailsSent };
  const { status, profile, fallback_reason, error_code, error_message, output_text, finished_at } =
    jobOf(rows, id);
  const attempts = attemptsOf(rows, id);
  const since = (at: number | null | undefined) =>
    at === null || at === undefined ? null : Math.round(at - (caller.askedAt ?? at));
  const left = attempts.find(({ mode, outcome }) => mode === "background" && outcome === "failed");
  return {
    job: { id, status, profile, fallback_reason, error_code, error_message, output_text },
    attempts: attempts.map(({ number, mode, outcome, error_code, error_message, worker }) => (
      { number, mode, outcome, error_code, error_message, worker }
    )),
    tool_calls: callsOf(rows, id).map(({ tool, status }) => (
      { name: tool ?? "", status: callStatus[status] ?? status }
    )),
    emails_sent: emailsSent,
    timings_ms: {
      accepted: since(caller.acceptedAt.get(id)),
      failed_over: fallback_reason === null ? null : since(left?.finished_at),
      completed: status === "completed" ? since(finished_at) : null,
    },
  };
}

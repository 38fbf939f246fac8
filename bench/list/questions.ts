import type { JSONValue, TransactionSql } from "postgres";
import { summaryColumns } from "../../packages/client/src/data/job-row.ts";
import { newcomerId, userId } from "./fill.ts";

export const callers = {
  user: { sub: userId },
  newcomer: { sub: newcomerId },
  operator: {
    sub: "00000000-0000-4000-8000-00000000000a",
    app_metadata: { durable_responses: "operator" },
  },
} satisfies Record<string, JSONValue>;
export type Caller = keyof typeof callers;

export interface Question {
  kind: "time" | "status" | "owner" | "text";
  name: string;
  /** A condition on response_jobs; `text` names its own source. */
  where?: string;
  values?: JSONValue[];
  callers: readonly Caller[];
}

const rowsAsked = 51;
const everybody = ["user", "newcomer", "operator"] as const;

/** The queries of the client's list and the console's: one page of 50, and one more row to know whether there is another. */
export const questions: readonly Question[] = [
  { kind: "time", name: "newest", callers: everybody },
  { kind: "time", name: "next page", where: "id < $1", callers: everybody },
  ...[
    ["completed"],
    ["failed"],
    ["cancelled"],
    ["queued"],
    ["background", "queued", "running"],
    ["awaiting_approval", "awaiting_tool_output", "needs_review"],
    ["completed", "failed", "cancelled"],
  ].map((statuses): Question => ({
    kind: "status",
    name: statuses.length > 1 ? `${statuses[0]} and ${statuses.length - 1} more` : String(statuses),
    where: "status = any ($1)",
    values: [statuses],
    callers: everybody,
  })),
  {
    kind: "owner",
    name: "one owner's",
    where: "owner_id = $1",
    values: [userId],
    callers: ["operator"],
  },
  {
    kind: "owner",
    name: "one owner's, failed",
    where: "owner_id = $1 and status = any ($2)",
    values: [userId, ["failed"]],
    callers: ["operator"],
  },
  {
    kind: "text",
    name: "nothing found",
    values: ["no such thing"],
    callers: everybody,
  },
  { kind: "text", name: "many found", values: ["matter"], callers: everybody },
];

/**
 * Queries as PostgREST does: in a transaction, with the caller's role and claims. Returns the time of the list itself, in
 * ms.
 */
export async function ask(
  tx: TransactionSql,
  { kind, where, values = [] }: Question,
  middle: string,
): Promise<number> {
  const source = kind === "text"
    ? `public.search_response_jobs($1, ${rowsAsked})`
    : `public.response_jobs ${where ? `where ${where}` : ""}`;
  const given = where?.startsWith("id <") ? [middle] : values;
  const began = performance.now();
  await tx.unsafe(
    `select ${summaryColumns} from ${source} order by id desc limit ${rowsAsked}`,
    given,
    { prepare: true },
  );
  return performance.now() - began;
}

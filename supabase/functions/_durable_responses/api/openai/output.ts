import type { Item } from "../../model/items.ts";
import type { ResponseRecord } from "./record.ts";

const approvalKinds = new Set(["mcp_approval_request", "mcp_approval_response"]);

/**
 * A job's output items: the answer's when there is one, else what is known so far, tool calls that are done
 * and requests that wait for approval. Approvals that are answered are left out: a client that looks
 * for requests in the output would answer them again.
 */
export function outputOf(record: ResponseRecord): Item[] {
  if (record.output !== null) return record.output.filter((item) => !approvalKinds.has(item.type));
  return [...record.calls, ...openRequests(record)];
}

/** What of the output is not a finished tool call, and so only known once the job has settled. */
export function restOf(record: ResponseRecord, shown: ReadonlySet<unknown>): Item[] {
  return outputOf(record).filter((item) => !shown.has(item["id"]));
}

function openRequests({ status, waiting }: ResponseRecord): Item[] {
  if (status !== "awaiting_approval") return [];
  return (waiting ?? []).map((request) => ({
    type: "mcp_approval_request",
    id: request.request_id,
    server_label: request.server_label ?? "",
    name: request.tool ?? "",
    arguments: request.arguments ?? "{}",
  }));
}

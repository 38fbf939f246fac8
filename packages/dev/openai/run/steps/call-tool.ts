import { toolServerFailed } from "../../errors.ts";
import { newId } from "../../ids.ts";
import { untilAborted, wait } from "../../wait.ts";
import type { RunEnv } from "../env.ts";
import { RunFailure } from "../failure.ts";
import type { CallOutcome, McpConnection } from "../mcp-connection.ts";
import type { Run } from "../run.ts";
import type { McpCallItem } from "../wire.ts";

/** A call that the model has decided on. */
export interface CallRequest {
  tool: string;
  arguments: Record<string, unknown>;
  approvalRequestId: string | undefined;
}

/**
 * Calls a tool for real, as an mcp_call item. If the run is stopped meanwhile, the call continues
 * at the server: nobody can take it back.
 *
 * @throws RunFailure 424 when it takes longer than `timings.mcpTimeoutMs`
 */
export async function callTool(
  run: Run,
  env: RunEnv,
  connection: McpConnection,
  request: CallRequest,
): Promise<McpCallItem> {
  const shape = {
    type: "mcp_call",
    id: newId("mcp"),
    name: request.tool,
    server_label: connection.server.server_label,
    approval_request_id: request.approvalRequestId ?? null,
  } as const;
  const args = JSON.stringify(request.arguments);
  const open: McpCallItem = { ...shape, arguments: "", output: null, error: null };
  const output_index = run.openItem({ ...open, status: "in_progress" });
  const at = { item_id: shape.id, output_index };
  run.emit({ type: "response.mcp_call.in_progress", ...at });
  run.emit({ type: "response.mcp_call_arguments.delta", ...at, delta: args });
  await wait(env.timings.argumentsMs, run.signal);
  run.emit({ type: "response.mcp_call_arguments.done", ...at, arguments: args });

  run.updateItem(output_index, { ...open, arguments: args, status: "calling" });

  const settled = new AbortController();
  const signal = AbortSignal.any([run.signal, settled.signal]);
  const outcome = await Promise.race([
    heldBack(connection.call(request.tool, request.arguments), env, request.tool, signal),
    wait(env.timings.mcpTimeoutMs, signal).then(() => "too long" as const),
    untilAborted(signal),
  ]).finally(() => settled.abort());
  if (outcome === "too long") {
    throw RunFailure.of(
      toolServerFailed(connection.server.server_label, "calling tool on", "Request timed out."),
    );
  }
  const failed = "error" in outcome;
  const item: McpCallItem = {
    ...open,
    arguments: args,
    status: failed ? "failed" : "completed",
    ...outcome,
  };
  run.emit({ type: failed ? "response.mcp_call.failed" : "response.mcp_call.completed", ...at });
  run.closeItem(output_index, item);
  return item;
}

/** The fault mcp-tool-slow: the call is made at once, its result comes late. */
async function heldBack(
  call: Promise<CallOutcome>,
  env: RunEnv,
  tool: string,
  signal: AbortSignal,
): Promise<CallOutcome> {
  const fault = env.faults.tool;
  const outcome = await call;
  if (fault !== undefined && (fault.tool ?? tool) === tool) await wait(fault.ms, signal);
  return outcome;
}

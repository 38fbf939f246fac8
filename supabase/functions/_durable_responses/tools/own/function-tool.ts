/** Tools in TypeScript: `tool()` of a profile, called in the worker. */
import { describe, log, messageOf } from "../../platform/log.ts";
import { RequestError } from "../../platform/errors.ts";
import { maskCredentials } from "../../platform/redact.ts";
import { supabase } from "../../platform/supabase.ts";
import {
  type ReadTypeScriptCall,
  type ToolContext,
  ToolError,
  type TypeScriptTool,
} from "../../profiles/own-tools.ts";
import { secretValue } from "../../profiles/secret-references.ts";
import type { OwnCall, OwnResult, RunnableTool } from "./own-call.ts";
import { readInput } from "./read-arguments.ts";
import { writtenOutput } from "./written-output.ts";

/** Longest error, in characters. */
const maxErrorLength = 10_000;

export function functionTool(tool: TypeScriptTool): RunnableTool {
  return {
    server: null,
    tool: tool.name,
    effect: tool.effect,
    records: false,
    async read(args) {
      const read = await readInput(args, tool.read);
      if ("error" in read) return read;
      return {
        needsApproval: read.needsApproval,
        make: (call, signal) => make(tool, read, call, signal),
      };
    },
  };
}

async function make(
  { timeoutMs }: TypeScriptTool,
  read: ReadTypeScriptCall,
  call: OwnCall,
  stopped: AbortSignal,
): Promise<OwnResult> {
  const timeUp = new AbortController();
  const timer = setTimeout(() => timeUp.abort(), timeoutMs);
  const signal = AbortSignal.any([stopped, timeUp.signal]);
  try {
    const context = await contextOf(call, signal);
    const running = read.execute(context).then(
      (output) => resultOf(output, call),
      (error) => thrown(error, call),
    );
    // Nobody waits for a call that continues after its time.
    const ended = await Promise.race([running, abortOf(signal)]);
    if (ended !== "aborted") return ended;
    const error = timeUp.signal.aborted
      ? `It took longer than ${timeoutMs} ms and was abandoned`
      : "It was stopped: the worker had to give up the job";
    return { kind: "unknown", error };
  } finally {
    clearTimeout(timer);
  }
}

function abortOf(signal: AbortSignal): Promise<"aborted"> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve("aborted");
    signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
}

async function contextOf(call: OwnCall, signal: AbortSignal): Promise<ToolContext> {
  return {
    ownerId: call.ownerId,
    jobId: call.key.id,
    callId: call.callId,
    idempotencyKey: call.idempotencyKey,
    signal,
    supabaseAdmin: await supabase(),
    secret: (name) => secretValue(name, `Cannot call the tool '${call.tool}'`),
    log: (message, fields = {}) =>
      log.info(message, { ...fields, job_id: call.key.id, tool: call.tool }),
  };
}

/** The tool's answer as the text that the model gets. */
function resultOf(output: unknown, { effect }: OwnCall): OwnResult {
  const written = writtenOutput(output);
  if ("output" in written) return { kind: "output", output: maskCredentials(written.output) };
  // The call was made: if it must not be made twice, the message must not read as if it was not made.
  return effect === "once"
    ? { kind: "output", output: JSON.stringify({ done: true, error: written.error }) }
    : { kind: "error", error: written.error };
}

function thrown(error: unknown, call: OwnCall): OwnResult {
  if (error instanceof RequestError && error.code === "secret_not_set") {
    return { kind: "fatal", code: "secret_not_set", message: error.message };
  }
  const said = messageOf(error).slice(0, maxErrorLength).replaceAll("\0", "").toWellFormed();
  const message = maskCredentials(withoutPaths(said, error, call));
  return error instanceof ToolError && error.fatal
    ? { kind: "fatal", code: "tool_failed", message }
    : { kind: "error", error: message || "It failed, and did not say why" };
}

/** If a module cannot be loaded, the runtime says where it looked. Only operators should learn that. */
function withoutPaths(said: string, error: unknown, { tool, key }: OwnCall): string {
  if (!said.includes("file://")) return said;
  log.warn("a tool failed", { tool, job_id: key.id, error: describe(error) });
  return said.replace(/file:\/\/[^\s"')]*\//g, "");
}

import { quotaMessage, unexplained } from "../errors.ts";
import { newId } from "../ids.ts";
import { DownloadFailed } from "../request/download.ts";
import { untilAborted, wait } from "../wait.ts";
import { messageOf } from "../../message-of.ts";
import type { RunEnv } from "./env.ts";
import { RunFailure } from "./failure.ts";
import { runModel } from "./model-loop.ts";
import { type Run, RunStopped } from "./run.ts";
import { Toolbox } from "./toolbox.ts";
import { usageOf } from "./usage.ts";

/**
 * Carries a run from its first event to its last. Never rejects for what the run meets: a failure ends
 * up in the response, and is returned so that a foreground request can be refused with it.
 */
export async function execute(run: Run, env: RunEnv): Promise<RunFailure | undefined> {
  const toolbox = new Toolbox();
  try {
    run.emitResponse("response.created");
    await accept(run, env);
    await toolbox.open(run);
    const ending = await runModel(run, env, toolbox);
    run.finish(ending.status, {
      usage: usageOf(run),
      ...(ending.reason === undefined ? {} : { incomplete_details: { reason: ending.reason } }),
    });
  } catch (error) {
    if (error instanceof RunStopped) return undefined;
    const failure = error instanceof RunFailure ? error : asFailure(error);
    run.finish("failed", { error: { code: failure.code, message: failure.message } });
    return failure;
  } finally {
    // Not waited for: a call under way at the server must not hold back the end of a stopped run.
    env.linger(toolbox.close(env.stopping));
  }
}

/** From acceptance to the first step; here a background response meets its faults. */
async function accept(run: Run, env: RunEnv): Promise<void> {
  const { outcome } = env.faults;
  if (!run.background) {
    run.emitResponse("response.in_progress");
    return;
  }
  run.emitResponse("response.queued");
  if (outcome?.kind === "stuck-queued") await untilAborted(run.signal);
  await wait(env.timings.queuedMs, run.signal);
  run.response.status = "in_progress";
  run.emitResponse("response.in_progress");
  if (outcome?.kind === "stuck-in-progress") await untilAborted(run.signal);
  await env.download();
  if (outcome?.kind === "quota") {
    await untilFailure(run, env);
    throw new RunFailure("rate_limit_exceeded", quotaMessage);
  }
  if (outcome?.kind === "background-fails") {
    await untilFailure(run, env, outcome.afterMs);
    throw new RunFailure(
      outcome.code ?? "server_error",
      outcome.message ?? unexplained(newId("wfr")),
    );
  }
  // The bug that this project exists for: background and any MCP tool do not go together.
  const hasMcp = run.request.tools?.some((tool) => tool.type === "mcp") ?? false;
  if (hasMcp && outcome === undefined) {
    await untilFailure(run, env);
    throw new RunFailure("server_error", unexplained(newId("wfr")));
  }
}

async function untilFailure(run: Run, env: RunEnv, afterMs?: number): Promise<void> {
  const total = afterMs ?? env.timings.backgroundFailAfterMs;
  await wait(Math.max(0, total - env.timings.queuedMs), run.signal);
}

/** A fault of this stand-in's own is told like one of OpenAI's, with its reason. */
function asFailure(error: unknown): RunFailure {
  if (error instanceof DownloadFailed) return new RunFailure(error.responseCode, error.message);
  return new RunFailure("server_error", messageOf(error));
}

import { expect, type ScenarioContext } from "../scenario.ts";

/** Kills the process that runs run-jobs without a warning, as a crash or the memory limit would. */
export async function killWorker({ stack, note }: ScenarioContext): Promise<void> {
  const pids = await stack.edge.kill("run-jobs", "SIGKILL");
  expect(pids.length > 0, "there was a worker to kill");
  note({
    actor: "demo",
    tone: "bad",
    text: `SIGKILL to the run-jobs worker (pid ${pids.join(", ")})`,
  });
}

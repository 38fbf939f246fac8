/** Runs each group of test files in its own `deno test` process, a few at a time. */
import { findDeno, projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { startProcess } from "../../packages/dev/processes.ts";
import { loadPerCore } from "./load.ts";
import { moduleOf } from "./module-of.ts";
import type { Group } from "./plan.ts";

export interface GroupResult {
  group: Group;
  passed: number;
  failed: number;
  skipped: number;
  /** Names of the skipped tests. */
  skippedNames: string[];
  /** What `deno test` wrote. */
  output: string;
  ms: number;
  /** How busy the machine was when it ended. */
  loadPerCore: number;
  /** Set for a second run, which is alone: how busy the machine was when the first one failed. */
  failedFirst?: { loadPerCore: number };
}

export interface RunOptions {
  /** When all groups must have ended, by performance.now(). A group that still runs then is stopped, and counts as failed. */
  endAt: number;
  onResult: (result: GroupResult) => void;
  /** Tests use their long versions. */
  long?: boolean;
}

/** Resolves when every group has ended. */
export async function runGroups(groups: Group[], options: RunOptions): Promise<void> {
  const run = async (group: Group) => options.onResult(await runGroup(group, options));
  const queue = groups.filter(({ waits }) => !waits);
  const worker = async () => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) await run(group);
  };
  // One more than there are cores: a group waits for a third of its time.
  const workers = Array.from({ length: navigator.hardwareConcurrency + 1 }, worker);
  await Promise.all([...groups.filter(({ waits }) => waits).map(run), ...workers]);
}

/** Runs failed groups once more, one after the other. What fails again has failed. What passes now is flaky. */
export async function runFailedAgain(
  results: GroupResult[],
  options: RunOptions,
): Promise<GroupResult[]> {
  const final: GroupResult[] = [];
  for (const first of results) {
    if (first.failed === 0) {
      final.push(first);
      continue;
    }
    const { loadPerCore } = first;
    const second = { ...await runGroup(first.group, options), failedFirst: { loadPerCore } };
    final.push(second);
    options.onResult(second);
  }
  return final;
}

/** Runs one group to its end. */
export async function runGroup(
  group: Group,
  { endAt, long = false }: Pick<RunOptions, "endAt" | "long">,
): Promise<GroupResult> {
  const started = performance.now();
  await using module = group.together ? await moduleOf(group.files) : undefined;
  const lines: string[] = [];
  const child = startProcess({
    name: group.name,
    command: findDeno(),
    // `npm run check` checks the types, once for all files.
    args: ["test", "--allow-all", "--no-check", ...(module ? [module.path] : group.files)],
    cwd: projectRoot,
    // The environment tells tests where a browser is, and how long to try.
    env: { ...Deno.env.toObject(), NO_COLOR: "1", ...(long && { DURABLE_RESPONSES_LONG: "1" }) },
    exitSignal: "SIGTERM",
    onLine: (line) => lines.push(line),
  });
  const timer = setTimeout(() => {
    lines.push(`Stopped: the whole run's time was used up`);
    child.stop({ signal: "SIGTERM" });
  }, Math.max(0, endAt - performance.now()));
  const { success } = await child.exited;
  clearTimeout(timer);
  const output = lines.join("\n");
  const ms = performance.now() - started;
  return { group, output, ms, loadPerCore: loadPerCore(), ...countTests(output, success) };
}

/** Reads deno's last line, `ok | 3 passed (2 steps) | 0 failed | 1 ignored (96ms)`; without one, the run is one failure. */
export function countTests(
  output: string,
  success: boolean,
): Pick<GroupResult, "passed" | "failed" | "skipped" | "skippedNames"> {
  const summary = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed(.*)$/m.exec(output);
  const [, passed = "0", failed = "0", rest = ""] = summary ?? [];
  const skipped = /\| (\d+) ignored/.exec(rest)?.[1] ?? "0";
  return {
    passed: Number(passed),
    // A process that fails without a failed test (a crash, a leak) is a failure too.
    failed: success ? Number(failed) : Math.max(1, Number(failed)),
    skipped: Number(skipped),
    skippedNames: [...output.matchAll(/^(.+) \.\.\. ignored /gm)].map(([, name = ""]) => name),
  };
}

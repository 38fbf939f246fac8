/** An Edge runtime with the fixture functions, and its log. */
import { fileURLToPath } from "node:url";
import {
  type EdgeOptions,
  type EdgeRuntime,
  startEdge,
} from "../../../packages/dev/edge/runtime.ts";
import { eventually } from "../../support/eventually.ts";

export const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));

export interface TestEdge extends EdgeRuntime {
  /** GETs `path` of a function. */
  get(name: string, path: string): Promise<Response>;
  /** The same, as text. */
  text(name: string, path: string): Promise<string>;
  /** Every line that was logged. */
  lines: string[];
  /** Waits for a logged line. */
  logged(pattern: RegExp): Promise<string>;
}

/** Runs `run` with its own runtime, and stops that whatever happens. */
export async function withEdge(
  options: Partial<EdgeOptions>,
  run: (edge: TestEdge) => Promise<void>,
): Promise<void> {
  const lines: string[] = [];
  const edge = startEdge({
    functionsDir: `${fixtures}/functions`,
    env: {},
    onLog: ({ line }) => lines.push(line),
    ...options,
  });
  const get = (name: string, path: string) =>
    edge.fetch(name, new Request(`http://localhost/${name}${path}`));
  try {
    await run({
      ...edge,
      lines,
      get,
      text: async (name, path) => await (await get(name, path)).text(),
      logged: (pattern) =>
        eventually(`log line ${pattern}`, () => lines.find((line) => pattern.test(line))),
    });
  } finally {
    await edge.stop();
  }
}

/** Whether a process with this pid runs. */
export function isRunning(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

import { isNoSuchProcess } from "../../packages/dev/edge/usage.ts";

/** Starts a Deno script as a process of its own, with a piped stdout. */
export function deno(args: string[], env: Record<string, string> = {}): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...args],
    env,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** The first line that a process prints. The rest is drained, so that the process never blocks on a full pipe. */
export async function firstLine(child: Deno.ChildProcess): Promise<string> {
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) {
      throw new Error(`Cannot read a line: the process ended after ${JSON.stringify(text)}`);
    }
    text += value;
  }
  const drain = async () => {
    while (!(await reader.read()).done);
  };
  void drain();
  return text.slice(0, text.indexOf("\n"));
}

/** CPU of a process so far, in ms; NaN if it has ended, or without /proc. */
export async function cpuOf(pid: number): Promise<number> {
  try {
    return Number((await Deno.readTextFile(`/proc/${pid}/schedstat`)).split(" ")[0]) / 1e6;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isNoSuchProcess(error)) return NaN;
    throw error;
  }
}

/**
 * Child processes that never outlive us: each is ended when this process exits or is interrupted, and noted on disk
 * (run-folder.ts) so that the next run can end it if this one was killed. Only by pid, never by name.
 */
import { childEnvironment } from "./child-environment.ts";
import { TextLineStream } from "./lines.ts";
import { commandLineOf, forgetChild, noteChild, signalProcess } from "./run-folder.ts";
import { watchForExit } from "./shutdown.ts";

export interface ProcessOptions {
  /** What to call it in messages. */
  name: string;
  command: string;
  args: string[];
  /** Its whole environment; without it, the child sees where programs and temporary files are. */
  env?: Record<string, string>;
  cwd?: string;
  onLine?: (line: string, stream: "stdout" | "stderr") => void;
  /** What it gets when this process ends without having stopped it; SIGKILL by default. */
  exitSignal?: Deno.Signal;
}

export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  /** false from the moment it is dead, also if `exited` has not settled yet. */
  readonly running: boolean;
  /** Settles when the process has ended and its output is read to the end. */
  readonly exited: Promise<Deno.CommandStatus>;
  /** Sends `signal` (SIGTERM), then SIGKILL after `graceMs` (5000); resolves when it has ended. */
  stop(options?: { signal?: Deno.Signal; graceMs?: number }): Promise<void>;
}

/** Starts a child. Throws if the command cannot be executed. */
export function startProcess(options: ProcessOptions): RunningProcess {
  const child = spawn(options);
  const { pid } = child;
  noteChild(pid, [options.command, ...options.args].join(" "));
  let ended = false;
  const unwatch = watchForExit(() => signalProcess(pid, options.exitSignal ?? "SIGKILL"));
  const output = (["stdout", "stderr"] as const).map((stream) =>
    readLines(child[stream], (line) => options.onLine?.(line, stream))
  );
  const exited = Promise.all([child.status, ...output]).then(([status]) => status);
  child.status.finally(() => {
    ended = true;
    unwatch();
    forgetChild(pid);
  });
  return {
    name: options.name,
    pid,
    get running() {
      return !ended && commandLineOf(pid) !== undefined;
    },
    exited,
    async stop({ signal: first = "SIGTERM", graceMs = 5000 } = {}) {
      if (!ended) {
        signalProcess(pid, first);
        const timer = setTimeout(() => signalProcess(pid, "SIGKILL"), graceMs);
        await child.status;
        clearTimeout(timer);
      }
      await exited;
    },
  };
}

/** A command that has ended with another code than 0; the message has its last 60 lines. */
export class RunFailure extends Error {
  override readonly name = "RunFailure";

  constructor(
    message: string,
    readonly code: number,
    readonly stdout: string,
    readonly stderr: string,
  ) {
    super(message);
  }
}

/**
 * Runs a command to its end and returns what it wrote.
 * @throws RunFailure; another error if it cannot start
 */
export async function runProcess(
  options: ProcessOptions,
): Promise<{ stdout: string; stderr: string }> {
  const lines: { line: string; stream: "stdout" | "stderr" }[] = [];
  const child = startProcess({
    ...options,
    onLine(line, stream) {
      lines.push({ line, stream });
      options.onLine?.(line, stream);
    },
  });
  const { success, code } = await child.exited;
  const text = (wanted: string) =>
    lines.filter(({ stream }) => stream === wanted).map(({ line }) => line).join("\n");
  const [stdout, stderr] = [text("stdout"), text("stderr")];
  if (success) return { stdout, stderr };
  const tail = lines.slice(-60).map(({ line }) => line).join("\n");
  const message = `Cannot finish '${options.name}': it ended with code ${code}\n${tail}`;
  throw new RunFailure(message, code, stdout, stderr);
}

function spawn(options: ProcessOptions) {
  try {
    return new Deno.Command(options.command, {
      args: options.args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      clearEnv: true,
      env: options.env ?? childEnvironment(),
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    }).spawn();
  } catch (cause) {
    throw new Error(
      `Cannot start '${options.name}': '${options.command}' must be an executable file`,
      {
        cause,
      },
    );
  }
}

async function readLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  for await (
    const line of stream.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
  ) {
    onLine(line);
  }
}

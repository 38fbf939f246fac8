/**
 * A stand-in for Supabase's Edge Runtime: functions run in workers that are started when a request comes,
 * kept warm, and held to the platform's limits.
 */
import { join, resolve } from "node:path";
import { chooseWorker } from "./choose-worker.ts";
import type { RemoteModules } from "./command.ts";
import { startControl } from "./control.ts";
import { dependents } from "./dependents.ts";
import { failureResponse, notFoundResponse } from "./failures.ts";
import { functionNames, isFunction } from "./function-names.ts";
import { messageOf } from "../message-of.ts";
import { type LoadFault, loadFaults } from "./load-faults.ts";
import { EdgeWorker } from "./worker.ts";
import type { WorkerInfo, WorkerUsage } from "./worker-info.ts";

export interface EdgeOptions {
  /** Folder that holds `<name>/index.ts` for each function. */
  functionsDir: string;
  /** The whole environment of every worker; `SB_EXECUTION_ID` is added, one for each worker. */
  env: Record<string, string>;
  /** Life of a worker in ms, default 150,000 (the platform's free plan; paid 400,000). */
  wallClockMs?: number;
  /** Time for the first byte of a response in ms, default 150,000; then the caller gets 504. */
  firstByteMs?: number;
  /** Workers of one function that take requests at the same time, default 4; see choose-worker.ts. */
  maxWorkers?: number;
  /** Absolute path of a module → path of the module that functions get in its place. */
  replace?: Record<string, string>;
  /** Folder that holds `<name>/index.mjs` for each function: a bundle that needs nothing else, run in place of the source. */
  bundled?: string;
  /** Packages come by an import map, not from node_modules; asked for each worker that is started. */
  remote?: (name: string) => RemoteModules;
  /** Every line that a function prints, and when its workers boot and end; `source` is its name. */
  onLog?: (event: { source: string; line: string }) => void;
}

export interface EdgeRuntime {
  has(name: string): boolean;
  /** Runs a function. Its request has the path of `request.url`; failures are the platform's answers. */
  fetch(name: string, request: Request): Promise<Response>;
  /** Sends a signal (default SIGKILL) to a function's workers; the pids that got it. */
  kill(name: string, signal?: Deno.Signal): Promise<number[]>;
  /** Ends a function's workers (`beforeunload`: termination); the next request boots a new one. */
  restart(name: string): Promise<void>;
  /** What keeps functions from being loaded; none if nothing does. */
  loadFaults(names: string[]): Promise<LoadFault[]>;
  /** Of these functions, those that use one of the files, whose paths are within the folder of functions. */
  dependents(names: string[], paths: string[]): Promise<string[]>;
  /** The workers that are alive. */
  workers(): WorkerInfo[];
  /** CPU time and memory of the workers that are alive and of the last hundred that ended. */
  usage(): Promise<WorkerUsage[]>;
  stop(): Promise<void>;
}

/** The platform's wall clock on its free plan. */
export const defaultWallClockMs = 150_000;
const defaultFirstByteMs = 150_000;
const defaultMaxWorkers = 4;
const endedKept = 100;
/** Longer lines are cut, as on the platform. */
const logLineLength = 10_000;

/** Starts the runtime; no worker runs until the first request. */
export function startEdge(options: EdgeOptions): EdgeRuntime {
  const functionsDir = resolve(options.functionsDir);
  const replace = options.replace ?? {};
  const loading = { functionsDir, replace, remote: options.remote };
  const control = startControl();
  const live = new Set<EdgeWorker>();
  const ended: EdgeWorker[] = [];
  let stopped = false;

  function boot(name: string): EdgeWorker {
    const worker = new EdgeWorker({
      functionsDir,
      name,
      env: options.env,
      replace,
      bundled: options.bundled,
      remote: options.remote?.(name),
      limits: {
        wallClockMs: options.wallClockMs ?? defaultWallClockMs,
        firstByteMs: options.firstByteMs ?? defaultFirstByteMs,
      },
      control,
      onLine: (line) => options.onLog?.({ source: name, line: line.slice(0, logLineLength) }),
    });
    live.add(worker);
    worker.ended.then(() => {
      live.delete(worker);
      ended.push(worker);
      if (ended.length > endedKept) ended.shift();
    });
    return worker;
  }

  function workerFor(name: string): EdgeWorker {
    const maxWorkers = options.maxWorkers ?? defaultMaxWorkers;
    return chooseWorker(workersOf(name), maxWorkers) ?? boot(name);
  }

  /** Undefined if its import map cannot be read, which its log says: that is the project's fault, not the gateway's. */
  function startable(name: string): EdgeWorker | undefined {
    try {
      return workerFor(name);
    } catch (error) {
      options.onLog?.({ source: name, line: messageOf(error) });
      return undefined;
    }
  }

  function workersOf(name: string): EdgeWorker[] {
    return [...live].filter((worker) => worker.info().function === name);
  }

  return {
    has: (name) => isFunction(functionsDir, name),
    async fetch(name, request) {
      if (!isFunction(functionsDir, name)) return notFoundResponse(functionNames(functionsDir));
      if (stopped) return failureResponse("lost");
      const worker = startable(name);
      return worker === undefined ? failureResponse("boot") : await worker.fetch(request);
    },
    kill: (name, signal = "SIGKILL") =>
      Promise.all(workersOf(name).map((worker) => worker.kill(signal))),
    async restart(name) {
      await Promise.all(workersOf(name).map((worker) => worker.terminate()));
    },
    loadFaults: (names) => loadFaults(names, loading),
    dependents: (names, paths) =>
      dependents(names, paths.map((path) => join(functionsDir, path)), loading),
    workers: () => [...live].map((worker) => worker.info()),
    usage: () => Promise.all([...ended, ...live].map((worker) => worker.usage())),
    async stop() {
      stopped = true;
      await Promise.all([...live].map((worker) => worker.terminate()));
      control.stop();
    },
  };
}

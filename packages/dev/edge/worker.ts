/**
 * One worker: a Deno process that serves one function, and the platform's limits on its life.
 *
 * booting → active → retiring (50% of the wall clock: no new requests) → unloading (`beforeunload`, 90%)
 * → ended (100%, by SIGKILL). A retiring worker with nothing left to do is dropped early.
 */
import { type RunningProcess, startProcess } from "../processes.ts";
import { signalProcess } from "../run-folder.ts";
import { tokenHeader } from "./channel.ts";
import type { Control, ControlLine } from "./control.ts";
import { type RemoteModules, workerCommand } from "./command.ts";
import { failureResponse } from "./failures.ts";
import type { UnloadReason, WorkerMessage } from "./protocol.ts";
import { forward, whenRead } from "./proxy.ts";
import { type ProcessUsage, processUsage } from "./usage.ts";
import type {
  EndReason,
  WorkerInfo,
  WorkerLimits,
  WorkerState,
  WorkerUsage,
} from "./worker-info.ts";

export interface WorkerOptions {
  functionsDir: string;
  name: string;
  env: Record<string, string>;
  replace: Record<string, string>;
  bundled: string | undefined;
  remote: RemoteModules | undefined;
  limits: WorkerLimits;
  control: Control;
  onLine: (line: string) => void;
}

/** A module graph of the size of ours loads in 0.2 s; whoever needs this long is broken. */
const bootLimitMs = 15_000;
/** How long a worker may take to unload when it is stopped from outside, not by its wall clock. */
const terminationMs = 500;
/** V8 ends an exhausted heap with a trap, an abort or an illegal instruction, by platform. */
const heapSignals = new Set(["SIGTRAP", "SIGABRT", "SIGILL"]);

export class EdgeWorker {
  readonly id = crypto.randomUUID().slice(0, 8);
  readonly ended: Promise<EndReason>;

  readonly #token: string;
  #options: WorkerOptions;
  #process: RunningProcess;
  // A request must never reach the function twice: fetch sends it again when a kept connection was dropped.
  #http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  #origin = Promise.withResolvers<string | undefined>();
  #unloaded = Promise.withResolvers<void>();
  #line: ControlLine | undefined;
  #timers: ReturnType<typeof setTimeout>[] = [];
  #state: WorkerState = "booting";
  #killedFor: EndReason | undefined;
  #endReason: EndReason | undefined;
  #startedAt = performance.now();
  #endedAt: number | undefined;
  #requests = 0;
  #inFlight = 0;
  #pending = 0;
  #startCpuMs = 0;
  #usage: ProcessUsage = { cpuMs: 0, rssMb: 0 };

  constructor(options: WorkerOptions) {
    this.#options = options;
    const expected = options.control.expect((message, line) => this.#onMessage(message, line));
    this.#token = expected.token;
    const command = workerCommand({ ...options, controlAddress: expected.address });
    this.#process = startProcess({
      ...command,
      name: `function ${options.name}`,
      onLine: options.onLine,
    });
    this.#after(bootLimitMs, () => this.#state === "booting" && this.#kill("boot"));
    this.ended = this.#process.exited.then((status) => {
      expected.forget();
      return this.#onExit(status);
    });
  }

  /** Whether a new request may still go to this worker. */
  get accepts(): boolean {
    return this.#state === "booting" || this.#state === "active";
  }

  /** Requests whose response has not ended, and `waitUntil` promises that have not settled. */
  get load(): number {
    return this.#inFlight + this.#pending;
  }

  /** Passes a request to the function; a worker that fails is answered for as the platform does. */
  async fetch(request: Request): Promise<Response> {
    this.#requests++;
    this.#inFlight++;
    let response: Response | undefined;
    try {
      const origin = await this.#origin.promise;
      response = origin ? await this.#forward(request, origin) : failureResponse("boot");
      return whenRead(response, () => this.#requestEnded());
    } finally {
      if (!response) this.#requestEnded();
    }
  }

  /** Sends a signal; resolves when the process is gone if the signal is SIGKILL, else at once. */
  async kill(signal: Deno.Signal): Promise<number> {
    await this.#sample();
    if (this.#state !== "ended") signalProcess(this.#process.pid, signal);
    if (signal === "SIGKILL") await this.ended;
    return this.#process.pid;
  }

  /** Ends the worker from outside: `beforeunload`, a short grace, SIGKILL. */
  async terminate(): Promise<void> {
    if (this.#line && (this.accepts || this.#state === "retiring")) {
      this.#unload("termination");
      this.#after(terminationMs, () => this.#unloaded.resolve());
      await Promise.race([this.#unloaded.promise, this.ended]);
    }
    await this.#kill("termination");
  }

  info(): WorkerInfo {
    return {
      function: this.#options.name,
      worker: this.id,
      pid: this.#process.pid,
      state: this.#state,
      requests: this.#requests,
      inFlight: this.#inFlight,
      pending: this.#pending,
      ageMs: Math.round((this.#endedAt ?? performance.now()) - this.#startedAt),
      ...(this.#endReason && { ended: this.#endReason }),
    };
  }

  async usage(): Promise<WorkerUsage> {
    await this.#sample();
    return { ...this.info(), ...this.#usage };
  }

  #onMessage(message: WorkerMessage, line: ControlLine): void {
    switch (message.type) {
      case "hello":
        this.#line = line;
        this.#startWallClock(message.ageMs);
        break;
      case "listening":
        this.#onListening(message.port);
        break;
      case "pending":
        this.#pending = message.count;
        break;
      case "idle":
        if (this.#state === "retiring" && this.#inFlight === 0) this.#drop();
        break;
      case "unloaded":
        this.#unloaded.resolve();
        break;
    }
  }

  #startWallClock(ageMs: number): void {
    const { wallClockMs } = this.#options.limits;
    // The worker's own clock is what the function can measure, so the limits count from there.
    this.#startedAt = performance.now() - ageMs;
    processUsage(this.#process.pid).then((usage) => this.#startCpuMs = usage?.cpuMs ?? 0);
    this.#after(wallClockMs * 0.5 - ageMs, () => this.#retire());
    this.#after(wallClockMs * 0.9 - ageMs, () => this.#unload("wall_clock"));
    this.#after(wallClockMs - ageMs, () => this.#kill("wall_clock"));
  }

  #onListening(port: number): void {
    if (this.#state === "booting") this.#state = "active";
    this.#options.onLine(`booted (time: ${Math.round(performance.now() - this.#startedAt)}ms)`);
    this.#origin.resolve(`http://127.0.0.1:${port}`);
  }

  #retire(): void {
    if (!this.accepts) return;
    this.#state = "retiring";
    this.#line?.retire();
  }

  async #drop(): Promise<void> {
    this.#unload("early_drop");
    await Promise.race([this.#unloaded.promise, this.ended]);
    await this.#kill("early_drop");
  }

  #unload(reason: UnloadReason): void {
    if (this.#state === "unloading" || this.#state === "ended") return;
    this.#state = "unloading";
    this.#line?.unload(reason);
  }

  async #kill(reason: EndReason): Promise<void> {
    this.#killedFor ??= reason;
    await this.kill("SIGKILL");
  }

  #onExit(status: Deno.CommandStatus): EndReason {
    const reason = this.#killedFor ?? reasonOf(status);
    if (this.#state === "booting" && this.#killedFor === undefined && status.success) {
      this.#options.onLine("ended without serving anything: its index.ts must call Deno.serve");
    }
    this.#state = "ended";
    this.#endReason = reason;
    this.#endedAt = performance.now();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#origin.resolve(undefined);
    this.#http.close();
    const { cpuMs, rssMb } = this.#usage;
    this.#options.onLine(`shutdown (reason: ${reason}, cpu time: ${cpuMs}ms, memory: ${rssMb}MB)`);
    return reason;
  }

  async #forward(request: Request, origin: string): Promise<Response> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.#options.limits.firstByteMs);
    try {
      return await forward(request, origin, {
        signal: AbortSignal.any([request.signal, late.signal]),
        client: this.#http,
        headers: { [tokenHeader]: this.#token },
      });
    } catch (error) {
      if (late.signal.aborted) return failureResponse("idle");
      if (request.signal.aborted) throw error;
      return failureResponse(await this.#failure());
    } finally {
      clearTimeout(timer);
    }
  }

  /** Why a worker's connection broke. If the worker has exited, that is known within a second. */
  async #failure(): Promise<"limit" | "exited" | "lost"> {
    const lost = new Promise<undefined>((resolve) => this.#after(1000, () => resolve(undefined)));
    const reason = await Promise.race([this.ended, lost]);
    if (reason === "wall_clock" || reason === "memory") return "limit";
    return reason === "error" ? "exited" : "lost";
  }

  #requestEnded(): void {
    this.#inFlight--;
    this.#sample();
    if (this.#state === "retiring" && this.#inFlight === 0) this.#line?.retire();
  }

  async #sample(): Promise<void> {
    if (this.#state === "ended") return;
    const usage = await processUsage(this.#process.pid);
    if (usage) this.#usage = { ...usage, cpuMs: Math.max(0, usage.cpuMs - this.#startCpuMs) };
  }

  #after(ms: number, run: () => unknown): void {
    this.#timers.push(setTimeout(run, Math.max(0, ms)));
  }
}

function reasonOf(status: Deno.CommandStatus): EndReason {
  if (!status.signal) return "error";
  return heapSignals.has(status.signal) ? "memory" : "killed";
}

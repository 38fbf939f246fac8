import { ArmedList, seededRandom } from "./faults/armed-list.ts";
import type { Fault } from "./faults/schema.ts";
import type { RequestFaults } from "./faults/select.ts";
import { PlanBook } from "./model/plans.ts";
import { RequestLog } from "./request-log.ts";
import type { RunEnv } from "./run/env.ts";
import { execute } from "./run/execute.ts";
import type { RunFailure } from "./run/failure.ts";
import type { Run } from "./run/run.ts";
import { RunStore } from "./run/store.ts";
import { isFinal } from "./run/wire.ts";
import { downloadInput } from "./request/download.ts";
import type { ParsedRequest } from "./request/parse.ts";
import { type Download, naturalTimings, type OpenAIOptions, type Timings } from "./types.ts";
import type { WebhookFault } from "./webhooks/schema.ts";
import { WebhookSender } from "./webhooks/sender.ts";

/** Everything that the HTTP handlers share. */
export class World {
  readonly apiKey: string;
  readonly timings: Timings;
  readonly say: (line: string) => void;
  readonly sayBadPlan: (message: string) => void;
  readonly faults: ArmedList<Fault>;
  readonly webhookFaults: ArmedList<WebhookFault>;
  readonly webhooks: WebhookSender;
  readonly plans: PlanBook;
  readonly log = new RequestLog();
  readonly store = new RunStore();
  readonly downloads: Download[] = [];
  openStreams = 0;
  readonly #active = new Map<Run, Promise<unknown>>();
  readonly #lingering = new Set<Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(options: OpenAIOptions) {
    const random = seededRandom(options.seed ?? 1);
    this.apiKey = options.apiKey;
    this.timings = { ...naturalTimings, ...options.timings };
    this.say = options.onLine ?? (() => {});
    this.sayBadPlan = options.onBadPlan ?? this.say;
    this.plans = new PlanBook(options.plans);
    this.faults = new ArmedList(random);
    this.webhookFaults = new ArmedList(random);
    this.webhooks = new WebhookSender({
      url: options.webhookUrl,
      secret: options.webhookSecret,
      timings: this.timings,
      faults: this.webhookFaults,
      say: this.say,
    });
  }

  /** Downloads what a request refers to. Throws DownloadFailed for what cannot be had. */
  async download(request: ParsedRequest, signal: AbortSignal): Promise<void> {
    const { downloadTimeoutMs: timeoutMs } = this.timings;
    const stop = AbortSignal.any([signal, this.#stopping.signal]);
    for await (const arrived of downloadInput(request, { timeoutMs, signal: stop })) {
      this.downloads.push(arrived);
    }
  }

  /** Executes a run to its end and sends its webhook. Resolves with the failure, if it failed. */
  start(run: Run, faults: RequestFaults): Promise<RunFailure | undefined> {
    const env: RunEnv = {
      timings: this.timings,
      faults,
      plans: this.plans,
      stopping: this.#stopping.signal,
      download: () => this.download(run.request, run.signal),
      linger: (work) => {
        this.#lingering.add(work);
        work.finally(() => this.#lingering.delete(work));
      },
    };
    const done = execute(run, env).finally(() => this.#active.delete(run));
    this.#active.set(run, done);
    if (run.background) {
      done.then(() => {
        if (isFinal(run.response.status)) {
          this.webhooks.notify(`response.${run.response.status}`, run.id);
        }
      });
    }
    return done;
  }

  activeRuns(): number {
    return this.#active.size;
  }

  async idle(): Promise<void> {
    while (this.#active.size > 0) await Promise.allSettled([...this.#active.values()]);
  }

  /** Stops every run and webhook. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const run of this.#active.keys()) run.stop();
    await this.webhooks.stop();
    await this.idle();
    await Promise.allSettled([...this.#lingering]);
  }
}

import type { Fault } from "./faults/schema.ts";
import type { Plans } from "./model/plans.ts";
import type { WebhookFault } from "./webhooks/schema.ts";

/** How long things take, all in ms. The defaults make a mail run last about 2 s. */
export interface Timings {
  /** A background response stays `queued` for this long. */
  queuedMs: number;
  /** From acceptance until a background response with MCP tools fails. */
  backgroundFailAfterMs: number;
  /** The model "thinks" this long before each step. */
  stepMs: number;
  /** Between two text deltas. */
  deltaMs: number;
  /** How long the model writes at a call's arguments: only then is the tool called. */
  argumentsMs: number;
  /** A tool call that takes longer ends the run with 424. */
  mcpTimeoutMs: number;
  /** What a URL in the input refers to must have been downloaded by then. */
  downloadTimeoutMs: number;
  /** From a final status to the first delivery of its webhook. */
  webhookDelayMs: number;
  /** Pauses before the second, third … delivery of a webhook that got no 2xx. */
  webhookBackoffMs: readonly number[];
}

export const naturalTimings: Timings = {
  queuedMs: 100,
  backgroundFailAfterMs: 300,
  stepMs: 250,
  deltaMs: 15,
  argumentsMs: 60,
  mcpTimeoutMs: 60_000,
  downloadTimeoutMs: 10_000,
  webhookDelayMs: 10,
  webhookBackoffMs: [200, 1000, 3000],
};

/** For tests: nothing is waited for that need not be. */
export const fastTimings: Timings = {
  ...naturalTimings,
  queuedMs: 5,
  backgroundFailAfterMs: 15,
  stepMs: 0,
  deltaMs: 0,
  argumentsMs: 0,
  webhookDelayMs: 0,
  webhookBackoffMs: [5, 10, 20],
};

export interface OpenAIOptions {
  /** The one key that is accepted as bearer. */
  apiKey: string;
  /** `whsec_…`, with which webhooks are signed. */
  webhookSecret: string;
  /** Where webhooks go; none are sent without it. Can be set later. */
  webhookUrl?: string;
  /** A free one by default. */
  port?: number;
  /** Where it is reached besides 127.0.0.1: from a container, for one. */
  listen?: { hostname?: string; names?: readonly string[] };
  timings?: Partial<Timings>;
  /** What the model does for which query, or the path of a JSON file that says so, read anew for each request. */
  plans?: Plans | string;
  /** Seeds the dice of faults with a probability. */
  seed?: number;
  /** Gets a line for a person for each request that was answered, and for each webhook. */
  onLine?: (line: string) => void;
  /** Gets what is wrong with a plan in a query or a file, whose request is refused. Default: `onLine`. */
  onBadPlan?: (message: string) => void;
}

/** A request as it came in. Credentials in headers and tools are masked. `at` is ms since 1970. */
export interface RecordedRequest {
  at: number;
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  /** Parsed JSON; `undefined` for none or for a body that is not JSON. */
  body: unknown;
  requestId: string;
  /** HTTP status of the answer; `undefined` until there is one, and when the connection was dropped. */
  status: number | undefined;
  /** Kinds of the faults that it met. */
  faults: string[];
  /** The client hung up before the end of the answer. */
  aborted: boolean;
}

export type CountName =
  | "create"
  | "create_background"
  | "create_stream"
  | "retrieve"
  | "cancel"
  | "delete"
  | "input_items"
  | "refused";

/** One POST of a webhook. `status` is null when nobody answered. `at` is ms since 1970. */
export interface WebhookDelivery {
  /** The event's id, the same in all its deliveries. */
  id: string;
  type: string;
  responseId: string;
  attempt: number;
  status: number | null;
  error: string | null;
  at: number;
}

/** What was downloaded from a URL in a request's input. `sha256` is hexadecimal. */
export interface Download {
  url: string;
  type: string | null;
  size: number;
  sha256: string;
}

/** A list of faults that can be changed while the stand-in runs. */
export interface FaultList<F> {
  set(faults: readonly F[]): void;
  add(fault: F): void;
  clear(): void;
  list(): F[];
}

export interface OpenAIStandIn {
  /** http://127.0.0.1:<port> */
  origin: string;
  /** `origin` + /v1: what OPENAI_BASE_URL is set to. */
  url: string;
  /** The key that it takes. */
  apiKey: string;
  faults: FaultList<Fault>;
  /**
   * Plans what the model does for queries that contain `part`: `plan("my order", 'call find_order {"id": 7}; text On its way')`. The
   * plan that was added last wins; one that a query brings with it as `[[plan: …]]` comes first.
   *
   * @throws PlanError
   */
  plan(part: string, steps: string): void;
  webhooks: {
    url: string | undefined;
    faults: FaultList<WebhookFault>;
    deliveries: WebhookDelivery[];
    /** Sends a webhook by hand, once; `forge` breaks it. Resolves with the HTTP status. */
    send(
      event: { type: string; responseId: string; forge?: "secret" | "timestamp" | "body" },
    ): Promise<number>;
    /** Resolves when nothing is left to deliver. */
    idle(): Promise<void>;
  };
  requests: RecordedRequest[];
  /** Images and files that requests referred to by URL, in the order in which they arrived. */
  downloads: Download[];
  counts(): Record<CountName, number>;
  /** Server-sent event streams that are open now. */
  openStreams(): number;
  /** Runs that have not ended. Stuck ones count. */
  activeRuns(): number;
  /** Resolves when no run is going; stuck ones keep it waiting. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

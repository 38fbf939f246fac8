/** One generated job, told step by step with a clock, from which its rows are made. */
import type { JSONValue } from "postgres";
import type { Random } from "./random.ts";
import type { ChildRow, JobRow, Rows } from "./rows.ts";

export interface Query {
  profile: string;
  model: string;
  servers: string[];
  text: string;
}

interface Call {
  server: string;
  tool: string;
  effect: "none" | "idempotent" | "once";
  arguments: JSONValue;
  output?: string;
  error?: string;
  status?: "finished" | "failed" | "started" | "uncertain" | "void";
  ms: number;
}

type ErrorRow = readonly [code: string, message: string, hint?: string];

const hour = 3_600_000;

export class Story {
  /** The query. */
  readonly text: string;
  readonly #random: Random;
  readonly #job: JobRow;
  readonly #attempts: ChildRow[] = [];
  readonly #steps: ChildRow[] = [];
  #now: number;

  constructor(random: Random, query: Query, ownerId: string | null, createdAt: number) {
    this.text = query.text;
    this.#random = random;
    this.#now = createdAt;
    const route = [query.profile, query.model, ...query.servers].join("/");
    this.#job = {
      id: random.uuidAt(createdAt),
      owner_id: ownerId,
      status: "queued",
      profile: query.profile,
      input: query.text,
      route,
      attempt: 0,
      created_at: iso(createdAt),
      deadline: iso(createdAt + 24 * hour),
    };
  }

  get now(): number {
    return this.#now;
  }

  wait(ms: number): this {
    this.#now += ms;
    return this;
  }

  /** Starts an attempt; `end` ends it. */
  start(mode: "background" | "synchronous"): this {
    const number = this.#attempts.length + 1;
    this.#attempts.push({
      job_id: this.#job.id,
      number,
      mode,
      started_at: iso(this.#now),
      worker: mode === "synchronous" ? `edge-${this.#random.between(100, 999)}` : null,
      response_id: `resp_${this.#random.uuid().replaceAll("-", "")}`,
      request_id: `req_${this.#random.uuid().slice(0, 8)}`,
    });
    this.#job.attempt = number;
    return this;
  }

  end(outcome: string, error?: ErrorRow): this {
    const attempt = this.#attempts.at(-1);
    if (attempt === undefined) throw new Error("Cannot end an attempt: none was started");
    const [code, message] = error ?? [];
    Object.assign(attempt, { outcome, finished_at: iso(this.#now) });
    if (code !== undefined) Object.assign(attempt, { error_code: code, error_message: message });
    if (outcome === "completed") attempt.usage = this.#usage();
    if (code !== undefined && attempt.mode === "background") this.#job.fallback_reason = code;
    return this;
  }

  listTools(server: string, ms: number): this {
    return this.#step({ kind: "mcp_list_tools", status: "finished", server_label: server }, ms);
  }

  think(ms: number): this {
    return this.#step({ kind: "reasoning", status: "finished" }, ms);
  }

  call({ server, tool, effect, output, error, status = "finished", ms, ...call }: Call): this {
    const text = JSON.stringify(call.arguments);
    return this.#step({
      kind: "mcp_call",
      status,
      effect,
      server_label: server,
      tool,
      arguments: text,
      call_key: `${server}.${tool} ${text}`,
      output: output ?? null,
      error: error ?? null,
    }, ms);
  }

  askForApproval(server: string, tool: string, args: JSONValue, answer?: string): this {
    return this.#step({
      kind: "mcp_approval_request",
      status: answer === undefined ? "waiting" : "finished",
      server_label: server,
      tool,
      arguments: JSON.stringify(args),
    }, 0);
  }

  /** A person answers the request for approval after `ms`. */
  answer(ms: number, approve: boolean, by: string): this {
    this.#now += ms;
    const step = this.#steps.at(-1);
    if (step === undefined) throw new Error("Cannot answer: nothing was asked");
    Object.assign(step, {
      answer: { approve },
      answered_by: by,
      answered_at: iso(this.#now),
      finished_at: iso(this.#now),
    });
    return this;
  }

  message(ms: number): this {
    return this.#step({ kind: "message", status: "finished" }, ms);
  }

  completed(text: string, parsed?: JSONValue): Rows {
    const content = [{ type: "output_text", text, annotations: [] }];
    return this.#finish("completed", {
      output_text: text,
      output: [{ type: "message", role: "assistant", status: "completed", content }],
      output_parsed: parsed ?? null,
      usage: this.#usage(),
    });
  }

  failed([code, message, hint]: ErrorRow): Rows {
    const error = { error_code: code, error_message: message, error_hint: hint ?? null };
    return this.#finish("failed", error);
  }

  cancelled(): Rows {
    return this.#finish("cancelled", {});
  }

  /** Leaves the job in this status. */
  left(status: string, more: ChildRow): Rows {
    Object.assign(this.#job, { status, updated_at: iso(this.#now), ...more });
    return this.#rows();
  }

  #step(step: ChildRow, ms: number): this {
    const started = this.#now;
    this.#now += ms;
    const open = ["started", "uncertain", "waiting"].includes(String(step.status));
    this.#steps.push({
      job_id: this.#job.id,
      number: this.#steps.length + 1,
      attempt: this.#attempts.length,
      item_id: `item_${this.#random.uuid().slice(0, 13)}`,
      started_at: iso(started),
      finished_at: open ? null : iso(this.#now),
      ...step,
    });
    return this;
  }

  #finish(status: string, more: ChildRow): Rows {
    return this.left(status, { finished_at: iso(this.#now), ...more });
  }

  #rows(): Rows {
    return { jobs: [this.#job], attempts: this.#attempts, steps: this.#steps };
  }

  #usage() {
    const input = this.#random.between(300, 9000);
    const output = this.#random.between(60, 1400);
    return {
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
      input_tokens_details: { cached_tokens: Math.floor(input / 3) },
      output_tokens_details: { reasoning_tokens: Math.floor(output / 2) },
    };
  }
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * Tools that we run ourselves, as a profile declares them: `tool()` in TypeScript, `sqlTool()` in Postgres. The names are
 * those of the AI SDK's `tool()`. A declaration contains closures over its schema's types, so a call needs no casts.
 */
import type { SupabaseClient } from "@supabase/supabase-js";
import { nameOfValue } from "../model/name-of-value.ts";
import type { Effect } from "../model/status.ts";
import * as z from "../model/zod.ts";
import { maxTimerMs } from "../platform/clock.ts";

/** What a tool gets besides its input. */
export interface ToolContext {
  /** The job's owner; null if a server submitted it. */
  ownerId: string | null;
  jobId: string;
  /** The model's id of the call. */
  callId: string;
  /** The same for the same call in every attempt. Pass it to any service that can recognize a repeat. */
  idempotencyKey: string;
  /** Aborted when the tool's time is up, and when the worker must give up the job. */
  signal: AbortSignal;
  /** A client with the secret key: it sees everything, not only the user's rows. */
  supabaseAdmin: SupabaseClient;
  /** A secret of the functions. Its value is masked wherever it comes back. */
  secret(name: string): string;
  log(message: string, fields?: Record<string, string | number | boolean | null>): void;
}

/** An error that is sent to the model. With `fatal`, it fails the job instead. */
export class ToolError extends Error {
  override readonly name = "ToolError";
  readonly fatal: boolean;

  constructor(message: string, options: ErrorOptions & { fatal?: boolean } = {}) {
    super(message, options);
    this.fatal = options.fatal ?? false;
  }
}

/** What every tool of ours declares. */
interface Options<S extends z.$ZodType> {
  /** Letters, digits, `_` and `-`, at most 64 characters. */
  name: string;
  description: string;
  /** An object schema. The model's input is checked against it. If it does not fit, the model gets the reason. */
  inputSchema: S;
  /** What a call does to the world: `once` (default), `idempotent` or `none`. A rule in `side_effects` takes precedence. */
  effect?: Effect;
  /**
   * Whether a person is asked before a call: always, or depending on its input. Default: false. Of a function, only the answer
   * `false` lets the call go ahead.
   */
  needsApproval?: boolean | ((input: z.infer<S>) => boolean | Promise<boolean>);
}

export interface ToolOptions<S extends z.$ZodType> extends Options<S> {
  /**
   * Returns text, or a value that can be written as JSON, of at most 1 MB. If it throws, the model gets the error. `() =>
   * import("./tools/refund.ts")` loads the tool in the first run that needs it, and calls the module's default export.
   */
  execute: (input: z.infer<S>, ctx: ToolContext) => unknown;
  /** How long a call may take, in ms; default 30 s. If a `once` call takes longer, the job is held for review. */
  timeoutMs?: number;
}

export interface SqlToolOptions<S extends z.$ZodType> extends Options<S> {
  /**
   * A Postgres function with its schema, such as `public.my_orders`. It is called with the input's fields as named
   * arguments.
   */
  function: string;
  /** Whose rights it has: the owner's (default), with row level security, or service_role's. */
  as?: "user" | "service";
}

/** A call whose arguments fit. */
export interface ReadCall {
  input: unknown;
  /** Whether a person must be asked first: only `false` is a no. */
  needsApproval(): Promise<unknown>;
}

interface Declared {
  readonly type: "function";
  readonly run_by: "worker";
  readonly name: string;
  readonly description: string;
  readonly inputSchema: z.$ZodType;
  readonly effect: Effect | undefined;
}

/** `tool()`. */
export interface TypeScriptTool extends Declared {
  readonly kind: "typescript";
  readonly timeoutMs: number;
  /** @returns the reason why the arguments do not fit, in words for the model; or the call */
  read(args: unknown): Promise<{ error: string } | ReadTypeScriptCall>;
}

export interface ReadTypeScriptCall extends ReadCall {
  execute(ctx: ToolContext): Promise<unknown>;
}

/** `sqlTool()`. */
export interface SqlTool extends Declared {
  readonly kind: "sql";
  readonly function: string;
  readonly as: "user" | "service";
  read(args: unknown): Promise<{ error: string } | ReadCall>;
}

export type OwnTool = TypeScriptTool | SqlTool;

export const defaultToolTimeoutMs = 30_000;

/** A tool in TypeScript, which the worker runs. */
export function tool<S extends z.$ZodType>(options: ToolOptions<S>): TypeScriptTool {
  const { execute, timeoutMs = defaultToolTimeoutMs } = options;
  if (!(timeoutMs > 0 && timeoutMs <= maxTimerMs)) {
    throw new TypeError(
      `Cannot make the tool '${options.name}': timeoutMs must be more than 0 and at most ${maxTimerMs}: it is ${timeoutMs}`,
    );
  }
  let loaded: ((input: z.infer<S>, ctx: ToolContext) => unknown) | undefined;
  return {
    ...declare(options),
    kind: "typescript",
    timeoutMs,
    read: async (args) => {
      const needsApproval = approvalOf(options, args);
      const read = await readBy(options, args);
      if ("error" in read) return read;
      const { input } = read;
      return {
        input,
        needsApproval,
        execute: async (ctx) => {
          const output = await (loaded ?? execute)(input, ctx);
          const called = loadedFrom(output);
          if (called === undefined) return output;
          loaded = called;
          return await called(input, ctx);
        },
      };
    },
  };
}

/**
 * A Postgres function as a tool. Its effect and the ledger's row are one transaction: it happens exactly once, and is never
 * in doubt.
 */
export function sqlTool<S extends z.$ZodType>(options: SqlToolOptions<S>): SqlTool {
  if (!/^[a-z_][a-z0-9_$]*\.[a-z_][a-z0-9_$]*$/.test(options.function)) {
    throw new TypeError(
      `Cannot make the tool '${options.name}': function must be a lowercase name with its schema, such as public.my_orders: it is '${options.function}'`,
    );
  }
  return {
    ...declare(options),
    kind: "sql",
    function: options.function,
    as: options.as ?? "user",
    read: async (args) => {
      const needsApproval = approvalOf(options, args);
      const read = await readBy(options, args);
      return "error" in read ? read : { input: read.input, needsApproval };
    },
  };
}

/** True for a tool that a profile declares with `tool()` or `sqlTool()`. */
export function isOwnTool(tool: { type: string }): tool is OwnTool {
  return "run_by" in tool && tool.run_by === "worker" && "inputSchema" in tool;
}

function declare<S extends z.$ZodType>(
  { name, description, inputSchema, effect, needsApproval = false }: Options<S>,
): Declared {
  if (!/^[\w-]{1,64}$/.test(name)) {
    throw new TypeError(
      `Cannot make a tool named '${name}': OpenAI accepts letters, digits, _ and -, at most 64 characters`,
    );
  }
  if (typeof needsApproval !== "boolean" && typeof needsApproval !== "function") {
    throw new TypeError(
      `Cannot make the tool '${name}': needsApproval must be true, false or a function: it is ${
        nameOfValue(needsApproval)
      }`,
    );
  }
  return { type: "function", run_by: "worker", name, description, inputSchema, effect };
}

async function readBy<S extends z.$ZodType>(
  { inputSchema }: Options<S>,
  args: unknown,
): Promise<{ error: string } | { input: z.infer<S> }> {
  const read = await z.safeParseAsync(inputSchema, args);
  if (read.success) return { input: read.data };
  const said = read.error.issues.slice(0, 5).map(({ path, message }) =>
    `${path.length === 0 ? "the arguments" : path.join(".")}: ${message}`
  );
  return { error: `The arguments do not fit: ${said.join("; ")}` };
}

/**
 * The condition of a call. It gets an input of its own, because it may change what it gets, even after its time is up: what is
 * called must be what the model wrote and a person was shown.
 */
function approvalOf<S extends z.$ZodType>(
  { needsApproval = false, ...options }: Options<S>,
  args: unknown,
): () => Promise<unknown> {
  if (typeof needsApproval === "boolean") return () => Promise.resolve(needsApproval);
  const own: unknown = structuredClone(args);
  return async () => {
    const read = await readBy(options, own);
    if ("error" in read) throw new Error(read.error);
    return await needsApproval(read.input);
  };
}

/** The default export of a module, if a tool returned one. */
function loadedFrom(output: unknown): ((...args: unknown[]) => unknown) | undefined {
  if (Object.prototype.toString.call(output) !== "[object Module]") return undefined;
  const called = typeof output === "object" && output !== null && "default" in output
    ? output.default
    : undefined;
  if (isFunction(called)) return called;
  throw new TypeError("The module that execute loads must export a function as its default");
}

function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === "function";
}

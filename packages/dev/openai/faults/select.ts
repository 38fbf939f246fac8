import type { ArmedList } from "./armed-list.ts";
import type { Fault, FaultKind, FaultOf } from "./schema.ts";

/** What a fault's `match` is held against. */
export interface RequestFacts {
  endpoint: "create" | "retrieve" | "cancel" | "input_items";
  background: boolean;
  stream: boolean;
  model: string;
  metadata: Record<string, string>;
  query: string;
  mcp: boolean;
  /** The input holds items of an earlier run. */
  continued: boolean;
}

const outcomes = [
  "background-works",
  "background-fails",
  "stuck-queued",
  "stuck-in-progress",
  "fails-after-tools",
  "incomplete",
] as const satisfies readonly FaultKind[];
const refusals = [
  "background-unsupported",
  "tool-list-failed",
  "rate-limited",
  "server-error",
  "http-error",
  "refuse-items",
  "create-lost",
  "raw",
] as const satisfies readonly FaultKind[];
const streamBreaks = [
  "cut-mid-stream",
  "clean-end",
  "stall",
  "error-event",
] as const satisfies readonly FaultKind[];

export type OutcomeFault = FaultOf<(typeof outcomes)[number] | "quota">;
export type RefusalFault = FaultOf<(typeof refusals)[number] | "quota" | "garbage">;
export type StreamFault = FaultOf<(typeof streamBreaks)[number] | "garbage">;

/** The faults that one request meets: at most one for each of the things that can go wrong. */
export interface RequestFaults {
  delay?: FaultOf<"slow">;
  refusal?: RefusalFault;
  outcome?: OutcomeFault;
  stream?: StreamFault;
  tool?: FaultOf<"mcp-tool-slow">;
  approval?: FaultOf<"ignore-approval">;
  parallel?: FaultOf<"ignore-parallel">;
}

/** Kinds that only make sense for a background response, unless `match.background` says otherwise. */
const backgroundKinds: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "background-works",
  "background-fails",
  "background-unsupported",
  "stuck-queued",
  "stuck-in-progress",
  "fails-after-tools",
]);

/** Takes the faults that fit a request out of the list, so that `times` counts only real hits. */
export function selectFaults(armed: ArmedList<Fault>, facts: RequestFacts): RequestFaults {
  const fits = (fault: Fault) => matches(fault, facts);
  const creates = facts.endpoint === "create";
  const take = <F extends Fault>(wanted: (fault: Fault) => fault is F): F | undefined => {
    const fault = armed.take((each) => wanted(each) && fits(each));
    return fault !== undefined && wanted(fault) ? fault : undefined;
  };
  const faults: RequestFaults = {};
  const delay = take((fault): fault is FaultOf<"slow"> => fault.kind === "slow");
  if (delay !== undefined) faults.delay = delay;
  const refusal = take((fault): fault is RefusalFault =>
    isOneOf(refusals, fault) || fault.kind === "quota" && fault.when !== "accepted" ||
    fault.kind === "garbage" && !facts.stream
  );
  if (refusal !== undefined) faults.refusal = refusal;
  // What runs all the same may meet more; any other refusal is the end.
  if (refusal !== undefined && !runsAllTheSame(refusal)) return faults;
  if (!creates) return faults;
  const outcome = take((fault): fault is OutcomeFault =>
    isOneOf(outcomes, fault) || fault.kind === "quota" && fault.when === "accepted"
  );
  if (outcome !== undefined) faults.outcome = outcome;
  const tool = take((fault): fault is FaultOf<"mcp-tool-slow"> => fault.kind === "mcp-tool-slow");
  if (tool !== undefined) faults.tool = tool;
  const approval = take((fault): fault is FaultOf<"ignore-approval"> =>
    fault.kind === "ignore-approval"
  );
  if (approval !== undefined) faults.approval = approval;
  const parallel = take((fault): fault is FaultOf<"ignore-parallel"> =>
    fault.kind === "ignore-parallel"
  );
  if (parallel !== undefined) faults.parallel = parallel;
  if (!facts.stream) return faults;
  const stream = take((fault): fault is StreamFault =>
    isOneOf(streamBreaks, fault) || fault.kind === "garbage"
  );
  if (stream !== undefined) faults.stream = stream;
  return faults;
}

/** Whether a request was taken although its answer does not say so. */
export function runsAllTheSame(fault: RefusalFault): boolean {
  return fault.kind === "create-lost" || fault.kind === "garbage" && fault.taken === true ||
    fault.kind === "raw" && fault.runs === true;
}

function isOneOf<K extends FaultKind>(kinds: readonly K[], fault: Fault): fault is FaultOf<K> {
  return kinds.some((kind) => kind === fault.kind);
}

function matches(fault: Fault, facts: RequestFacts): boolean {
  const match = fault.match ?? {};
  const late = fault.kind === "quota" && fault.when === "accepted";
  const background = match.background ??
    (late || backgroundKinds.has(fault.kind) ? true : undefined);
  if ((match.endpoint ?? "create") !== facts.endpoint) return false;
  if (background !== undefined && background !== facts.background) return false;
  if (match.stream !== undefined && match.stream !== facts.stream) return false;
  if (match.model !== undefined && match.model !== facts.model) return false;
  if (match.mcp !== undefined && match.mcp !== facts.mcp) return false;
  if (match.queryIncludes !== undefined && !facts.query.includes(match.queryIncludes)) return false;
  if (fault.kind === "refuse-items" && !facts.continued) return false;
  return Object.entries(match.metadata ?? {}).every(([key, value]) =>
    facts.metadata[key] === value
  );
}

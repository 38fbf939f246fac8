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

/** The things that can go wrong with a request, in the order in which they are looked for, and the faults that do it. */
const places = {
  delay: ["slow"],
  refusal: [
    "background-unsupported",
    "tool-list-failed",
    "rate-limited",
    "server-error",
    "http-error",
    "refuse-items",
    "create-lost",
    "raw",
    "quota",
    "garbage",
  ],
  outcome: [
    "background-works",
    "background-fails",
    "stuck-queued",
    "stuck-in-progress",
    "fails-after-tools",
    "incomplete",
    "quota",
  ],
  tool: ["mcp-tool-slow"],
  approval: ["ignore-approval"],
  parallel: ["ignore-parallel"],
  stream: ["cut-mid-stream", "clean-end", "stall", "error-event", "garbage"],
} as const satisfies Record<string, readonly FaultKind[]>;

type Place = keyof typeof places;
type FaultIn<P extends Place> = FaultOf<(typeof places)[P][number]>;
export type RefusalFault = FaultIn<"refusal">;
export type StreamFault = FaultIn<"stream">;

/** The faults that one request meets: at most one in each place. */
export type RequestFaults = { [P in Place]?: FaultIn<P> | undefined };

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
  const take = <P extends Place>(place: P): FaultIn<P> | undefined =>
    armed.take((each): each is FaultIn<P> => strikesIn(place, each, facts) && matches(each, facts));
  const faults: RequestFaults = { delay: take("delay"), refusal: take("refusal") };
  // What runs all the same may meet more; any other refusal is the end.
  if (faults.refusal !== undefined && !runsAllTheSame(faults.refusal)) return faults;
  if (facts.endpoint !== "create") return faults;
  return {
    ...faults,
    outcome: take("outcome"),
    tool: take("tool"),
    approval: take("approval"),
    parallel: take("parallel"),
    stream: facts.stream ? take("stream") : undefined,
  };
}

function strikesIn(place: Place, fault: Fault, facts: RequestFacts): boolean {
  // Two kinds have two places.
  if (fault.kind === "quota" && (fault.when === "accepted") !== (place === "outcome")) return false;
  if (fault.kind === "garbage" && facts.stream !== (place === "stream")) return false;
  return places[place].some((kind) => kind === fault.kind);
}

/** Whether a request was taken although its answer does not say so. */
export function runsAllTheSame(fault: RefusalFault): boolean {
  return fault.kind === "create-lost" || fault.kind === "garbage" && fault.taken === true ||
    fault.kind === "raw" && fault.runs === true;
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

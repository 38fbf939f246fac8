/** Steps on their way to the ledger, and what is known about a tool before it is called. */
import type { Item } from "./items.ts";
import type { Effect, RunBy, StepStatus } from "./status.ts";

/** Rules of a profile: `"server.tool"` or `"tool"` → effect. */
export type SideEffects = Readonly<Record<string, Effect>>;

/** A step as save_response_steps() takes it. */
export interface Step {
  item_id: string;
  kind: string;
  status: StepStatus;
  effect?: Effect | undefined;
  server_label?: string;
  tool?: string;
  /** Of a call that OpenAI leaves to others: who makes it. */
  run_by?: RunBy;
  arguments?: string | undefined;
  call_key?: string | undefined;
  /** Of such a call: how many equal calls of its run came before it. */
  call_repeat?: number;
  /** Of a call that we make or say yes to: the number of its round, from 1, over the whole job. */
  round?: number | undefined;
  output?: string;
  error?: string;
  item?: Item;
  /** The earlier attempt that wrote the call as waiting: the call now belongs to this attempt. */
  taken_from?: number;
}

/** An answer to a request for approval. */
export interface ApprovalAnswer {
  approve: boolean;
  reason?: string;
}

/** Steps on their way to the ledger, and what is known of a tool before it is called. */
import type { Item } from "./items.ts";
import type { Effect, StepStatus } from "./status.ts";

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
  arguments?: string | undefined;
  call_key?: string | undefined;
  output?: string;
  error?: string;
  item?: Item;
}

/** An answer to a request for approval. */
export interface ApprovalAnswer {
  approve: boolean;
  reason?: string;
}

import type { Effect } from "./effect.ts";
import type { Item } from "./outcome.ts";

/** A step as save_response_steps() takes it. */
export interface Step {
  item_id: string;
  kind: string;
  status: "started" | "finished" | "failed" | "waiting" | "uncertain" | "void";
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

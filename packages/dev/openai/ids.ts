/** Prefixes of the ids that OpenAI gives. */
export type IdPrefix =
  | "resp"
  | "msg"
  | "rs"
  | "mcp"
  | "mcpl"
  | "mcpr"
  | "ws"
  | "evt"
  | "req"
  | "wfr"
  | "fc"
  | "ctc"
  | "apc"
  | "lsh"
  | "sh"
  | "cu"
  | "call";

/** A fresh id like `resp_0197bad74a6f79f29585a003c7f306dd`: prefix and 32 hex digits. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${crypto.randomUUID().replaceAll("-", "")}`;
}

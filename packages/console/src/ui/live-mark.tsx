/** How updates come in: by themselves, or by asking. */
import type { ConnectionState } from "../../../client/src/index.ts";

const words: Record<ConnectionState, string> = {
  live: "live",
  polling: "asks now and then",
  offline: "offline",
};

export function LiveMark({ state }: { state: ConnectionState }) {
  return <span className={`live live-${state}`}>{words[state]}</span>;
}

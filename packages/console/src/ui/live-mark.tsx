/** How updates arrive: live, or by polling. */
import type { ConnectionState } from "../../../client/src/index.ts";

const words: Record<ConnectionState, string> = {
  live: "live",
  polling: "polling",
  offline: "offline",
};

export function LiveMark({ state }: { state: ConnectionState }) {
  return <span className={`live live-${state}`}>{words[state]}</span>;
}

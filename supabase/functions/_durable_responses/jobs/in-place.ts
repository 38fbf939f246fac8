/** The runs in place of this isolate. */
import { environment } from "../platform/environment.ts";
import { onShutdown, waitUntil } from "../platform/runtime.ts";
import type { Profiles } from "../profiles/profile.ts";
import { InPlace } from "../worker/in-place.ts";
import { lifeOf } from "../worker/life.ts";
import { wakeWorker } from "./wake.ts";

let current: InPlace | undefined;

/** At most one per isolate, created by the first job that may run in place. */
export function inPlace(profiles: Profiles): InPlace {
  if (current === undefined) {
    const { wallClockMs, concurrency, leaseMs } = environment();
    const made = new InPlace({
      profiles,
      life: lifeOf(wallClockMs),
      concurrency,
      leaseMs,
      settleAnswer: async (key, response) => {
        const { settleAnswer } = await import("./settle-answer.ts");
        await settleAnswer(profiles, key, response);
      },
      wakeWorker: (source, afterMs) =>
        waitUntil(
          new Promise((resolve) => setTimeout(resolve, afterMs)).then(() => wakeWorker(source)),
        ),
    });
    onShutdown(() => waitUntil(made.stop()));
    current = made;
  }
  return current;
}

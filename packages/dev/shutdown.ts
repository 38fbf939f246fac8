/**
 * What happens when this process ends: on SIGINT, SIGTERM and SIGHUP the clean-ups run, newest first, and then the
 * process exits; on any exit the watchers run, synchronously (they kill children).
 */
const interrupted = 130;
const signals = [["SIGINT", interrupted], ["SIGTERM", 143], ["SIGHUP", 129]] as const;
const cleanUps: (() => Promise<void>)[] = [];
const watchers = new Set<() => void>();
const listeners = signals.map(([signal, code]) => ({ signal, listener: () => void end(code) }));
let listening = false;
let ending = false;

/** Registers an asynchronous clean-up for an interruption; returns the function that takes it back. */
export function beforeExit(cleanUp: () => Promise<void>): () => void {
  cleanUps.push(cleanUp);
  listen();
  return () => {
    const index = cleanUps.indexOf(cleanUp);
    if (index >= 0) cleanUps.splice(index, 1);
    listen();
  };
}

/** Registers a synchronous last step for any kind of exit; returns the function that takes it back. */
export function watchForExit(watcher: () => void): () => void {
  watchers.add(watcher);
  listen();
  return () => {
    watchers.delete(watcher);
    listen();
  };
}

// Signal listeners keep tests from ending cleanly, so they exist only while there is something to end.
function listen(): void {
  const wanted = cleanUps.length > 0 || watchers.size > 0;
  if (wanted === listening) return;
  listening = wanted;
  for (const { signal, listener } of listeners) {
    if (wanted) Deno.addSignalListener(signal, listener);
    else Deno.removeSignalListener(signal, listener);
  }
}

async function end(code: number): Promise<void> {
  if (ending) {
    // A second Ctrl-C does not wait for the clean-ups. Another signal may come twice: from its sender, and from our parent.
    if (code === interrupted) Deno.exit(code);
    return;
  }
  ending = true;
  // One by one from the end: a clean-up may take others back that it does itself.
  for (let cleanUp = cleanUps.pop(); cleanUp !== undefined; cleanUp = cleanUps.pop()) {
    try {
      await cleanUp();
    } catch (error) {
      console.error("Cannot clean up before the exit, going on with the rest:", error);
    }
  }
  Deno.exit(code);
}

globalThis.addEventListener("unload", () => {
  for (const watcher of watchers) watcher();
});

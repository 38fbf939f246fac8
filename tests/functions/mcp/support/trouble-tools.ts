/** What the tools of the trouble server do. */

/** A call that was started. */
export interface Call {
  name: string;
  arguments: Record<string, unknown>;
  end: "running" | "done" | "cancelled";
}

interface Surroundings {
  signal: AbortSignal;
  onProgress: (progress: number) => Promise<void>;
}

/** A white dot. */
export const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";

/** The secret that a careless tool reveals. */
export const credential = "credential-of-a-careless-tool";

type Result = { content: Record<string, unknown>[]; [key: string]: unknown };

/** By name. Every other tool reports how often it was called. */
const results: Readonly<Record<string, () => Result>> = {
  fails: () => ({ content: [text("the printer is on fire")], isError: true }),
  picture: () => ({
    content: [text("A dot:"), { type: "image", data: png, mimeType: "image/png" }],
  }),
  "file-and-text": () => ({
    content: [
      text(`signed with ${credential}`),
      {
        type: "resource",
        resource: {
          uri: `file:///${credential}.pdf`,
          blob: "JVBERg==",
          mimeType: "application/pdf",
        },
      },
    ],
  }),
  sound: () => ({ content: [{ type: "audio", data: "AAAA", mimeType: "audio/wav" }] }),
  link: () => ({
    content: [{ type: "resource_link", uri: "file:///report.txt", name: "report" }],
  }),
  resource: () => ({
    content: [{ type: "resource", resource: { uri: "file:///a.txt", text: "inside" } }],
  }),
  structured: () => ({ content: [], structuredContent: { sum: 42 } }),
  "structured-twice": () => ({
    content: [text('{ "sum": 42 }')],
    structuredContent: { sum: 42 },
  }),
  empty: () => ({ content: [] }),
};

export async function callTool(
  { name, arguments: args = {} }: { name: string; arguments?: Record<string, unknown> | undefined },
  calls: Call[],
  { signal, onProgress }: Surroundings,
): Promise<Result> {
  const call: Call = { name, arguments: args, end: "running" };
  calls.push(call);
  if (name === "slow") await slow(args, signal, onProgress);
  call.end = signal.aborted ? "cancelled" : "done";
  if (name === "large") return { content: [text("x".repeat(Number(args["bytes"])))] };
  return results[name]?.() ??
    { content: [text(`call ${calls.filter((each) => each.name === name).length}`)] };
}

/** Reports its progress `times` times. Ends if cancelled. */
async function slow(
  { times, everyMs, silent }: Record<string, unknown>,
  signal: AbortSignal,
  onProgress: Surroundings["onProgress"],
): Promise<void> {
  for (let done = 0; done < Number(times) && !signal.aborted; done++) {
    await new Promise((resolve) => setTimeout(resolve, Number(everyMs)));
    if (silent !== true && !signal.aborted) await onProgress(done + 1);
  }
}

function text(said: string) {
  return { type: "text", text: said };
}

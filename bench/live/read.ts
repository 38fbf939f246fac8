/** Reads one stream as a caller does, and records when its text came. */

export interface Read {
  /** Time until the first delta, in ms. */
  firstMs: number;
  /** From each delta's sending to its arrival, in ms. */
  lags: number[];
  /** Whether the stream ended properly, with every requested delta. */
  whole: boolean;
}

const delta = /^event: response\.output_text\.delta\ndata: .*"delta":"(\d+) "/;

/** @param deltas how many were requested */
export async function read(answer: Promise<Response>, deltas: number): Promise<Read> {
  const began = performance.now();
  const response = await answer;
  const { body, status } = response;
  if (status !== 200 || body === null) {
    throw new Error(`Cannot read: the answer was ${status} ${await response.text()}`);
  }
  const lags: number[] = [];
  let firstMs = NaN;
  let completed = false;
  let buffered = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    buffered += chunk;
    const events = buffered.split("\n\n");
    buffered = events.pop() ?? "";
    for (const event of events) {
      const sentAt = delta.exec(event)?.[1];
      if (sentAt !== undefined) {
        if (lags.length === 0) firstMs = performance.now() - began;
        lags.push(Date.now() - Number(sentAt));
      } else if (event.startsWith("event: response.completed\n")) completed = true;
    }
  }
  return { firstMs, lags, whole: completed && lags.length === deltas };
}

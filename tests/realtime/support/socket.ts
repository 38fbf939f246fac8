/** A bare websocket to Realtime, frame by frame. */
import { z } from "zod";
import type { TestProject } from "../../dev/support/project.ts";

const frame = z.tuple([
  z.string().nullable(),
  z.string().nullable(),
  z.string(),
  z.string(),
  z.record(z.string(), z.unknown()),
]);
export type WireFrame = z.infer<typeof frame>;

export interface Socket extends AsyncDisposable {
  send(frame: WireFrame): void;
  sendText(text: string): void;
  /** The next frame from the server. Throws if none comes within 5 s. */
  next(): Promise<WireFrame>;
}

export async function openSocket({ url, keys }: TestProject): Promise<Socket> {
  const address = `${url.replace("http", "ws")}/realtime/v1/websocket`;
  const socket = new WebSocket(`${address}?apikey=${keys.publishableKey}&vsn=2.0.0`);
  const received: WireFrame[] = [];
  let notify = () => {};
  socket.addEventListener("message", ({ data }) => {
    received.push(frame.parse(JSON.parse(String(data))));
    notify();
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", reject, { once: true });
  });
  return {
    send: (given) => socket.send(JSON.stringify(given)),
    sendText: (text) => socket.send(text),
    async next() {
      const late = AbortSignal.timeout(5_000);
      while (received.length === 0) {
        late.throwIfAborted();
        await new Promise<void>((resolve) => {
          notify = resolve;
          late.addEventListener("abort", () => resolve(), { once: true });
        });
      }
      const first = received.shift();
      if (!first) throw new Error("Cannot go on: no frame came");
      return first;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
      socket.close();
      await closed;
    },
  };
}

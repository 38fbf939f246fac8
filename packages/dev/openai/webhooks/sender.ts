import { Webhook } from "standardwebhooks";
import { unpooledFetch } from "../../mcp/unpooled.ts";
import type { ArmedList } from "../faults/armed-list.ts";
import { newId } from "../ids.ts";
import type { Timings, WebhookDelivery } from "../types.ts";
import { RunStopped } from "../run/run.ts";
import { wait } from "../wait.ts";
import { messageOf } from "../../message-of.ts";
import type { WebhookFault } from "./schema.ts";

const deliveryTimeoutMs = 10_000;
const defaultHoldMs = 2_000;
/** Older than the five minutes that receivers tolerate. */
const staleMs = 3_600_000;
/** Not the secret of anybody. */
const wrongSecret = `whsec_${btoa("a secret that nobody shares")}`;

/** How a forged webhook is wrong. */
export type Forgery = "secret" | "timestamp" | "body";

interface WebhookEvent {
  id: string;
  object: "event";
  type: string;
  created_at: number;
  data: { id: string };
}

/** Sends signed webhooks about final responses, again until there is a 2xx, with the faults asked for. */
export class WebhookSender {
  url: string | undefined;
  readonly deliveries: WebhookDelivery[] = [];
  readonly #secret: string;
  readonly #timings: Timings;
  readonly #faults: ArmedList<WebhookFault>;
  readonly #say: (line: string) => void;
  readonly #stop = new AbortController();
  readonly #http = unpooledFetch();
  #underWay = new Set<Promise<void>>();
  /** Lets go of a webhook that is held back to come out of order. */
  #held: (() => void)[] = [];

  constructor(options: {
    url: string | undefined;
    secret: string;
    timings: Timings;
    faults: ArmedList<WebhookFault>;
    say: (line: string) => void;
  }) {
    this.url = options.url;
    this.#secret = options.secret;
    this.#timings = options.timings;
    this.#faults = options.faults;
    this.#say = options.say;
  }

  /** Begins the delivery of `response.<status>`; nothing happens where no URL is set. */
  notify(type: string, responseId: string): void {
    if (this.url === undefined) return;
    const task = this.#deliver(webhookEvent(type, responseId)).catch((error: unknown) => {
      if (!(error instanceof RunStopped)) throw error;
    }).finally(() => this.#underWay.delete(task));
    this.#underWay.add(task);
  }

  /** One POST by hand, forged if asked for. Resolves with the HTTP status, 0 when nobody answered. */
  async send(type: string, responseId: string, forgery?: Forgery): Promise<number> {
    return await this.#post(webhookEvent(type, responseId), 1, forgery) ?? 0;
  }

  /** Resolves when nothing is left to deliver. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new RunStopped("the stand-in stops"));
    await this.idle();
    this.#http.close();
  }

  async #deliver(event: WebhookEvent): Promise<void> {
    const { signal } = this.#stop;
    const fault = this.#faults.take(({ match }) =>
      match?.type === undefined || match.type === event.type
    );
    await wait(this.#timings.webhookDelayMs, signal);
    if (fault?.kind === "lose") return;
    if (fault?.kind === "delay") await wait(fault.ms, signal);
    if (fault?.kind === "disorder") await this.#hold(fault.holdMs ?? defaultHoldMs);
    if (fault?.kind === "forge") {
      const forged = webhookEvent("response.completed", event.data.id);
      await this.#post(forged, 1, fault.how ?? "secret");
    }
    await this.#untilAccepted(event);
    if (fault?.kind === "double") await this.#untilAccepted(event);
    this.#releaseHeld();
  }

  async #untilAccepted(event: WebhookEvent): Promise<void> {
    const pauses = [...this.#timings.webhookBackoffMs];
    for (let attempt = 1;; attempt++) {
      const status = await this.#post(event, attempt);
      if (status !== null && status >= 200 && status < 300) return;
      const pause = pauses.shift();
      if (pause === undefined) return;
      await wait(pause, this.#stop.signal);
    }
  }

  async #post(event: WebhookEvent, attempt: number, forgery?: Forgery): Promise<number | null> {
    const delivery: WebhookDelivery = {
      id: event.id,
      type: event.type,
      responseId: event.data.id,
      attempt,
      status: null,
      error: null,
      at: Date.now(),
    };
    this.deliveries.push(delivery);
    try {
      const response = await this.#http.fetch(this.url ?? "", {
        method: "POST",
        ...signed(event, this.#secret, forgery),
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(deliveryTimeoutMs)]),
      });
      await response.body?.cancel();
      delivery.status = response.status;
    } catch (error) {
      delivery.error = messageOf(error);
    }
    const { type, responseId, status, error } = delivery;
    this.#say(`webhook ${type} for ${responseId} → ${status ?? error}`);
    return delivery.status;
  }

  /** Until another webhook has gone out, or for `holdMs`. */
  async #hold(holdMs: number): Promise<void> {
    const overtaken = new AbortController();
    this.#held.push(() => overtaken.abort(new Overtaken()));
    try {
      await wait(holdMs, AbortSignal.any([this.#stop.signal, overtaken.signal]));
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error;
    }
  }

  #releaseHeld(): void {
    const held = this.#held;
    this.#held = [];
    for (const release of held) release();
  }
}

class Overtaken extends Error {}

function webhookEvent(type: string, responseId: string): WebhookEvent {
  const created_at = Math.floor(Date.now() / 1000);
  return { id: newId("evt"), object: "event", type, created_at, data: { id: responseId } };
}

function signed(
  event: WebhookEvent,
  secret: string,
  forgery: Forgery | undefined,
): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify(event);
  const at = new Date(Date.now() - (forgery === "timestamp" ? staleMs : 0));
  const signature = new Webhook(forgery === "secret" ? wrongSecret : secret)
    .sign(event.id, at, forgery === "body" ? `${body} ` : body);
  return {
    body,
    headers: {
      "content-type": "application/json",
      "user-agent": "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)",
      "webhook-id": event.id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": signature,
    },
  };
}

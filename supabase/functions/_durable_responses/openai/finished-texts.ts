/** Texts that a stream has told to their end, although it may never report the message that has them. */
import { type Item, messageOf } from "../model/items.ts";
import { isRecord } from "../model/is-record.ts";
import { type UpstreamResponse, withOutput } from "../model/upstream-response.ts";

interface Message {
  begun: Item;
  parts: Map<unknown, string>;
}

/** The messages of one streamed response, by their places, as far as their texts were told. */
export class FinishedTexts {
  readonly #messages = new Map<unknown, Message>();

  /** A message starts. */
  begin(place: unknown, begun: Item): void {
    if (begun.type === "message") this.#messages.set(place, { begun, parts: new Map() });
  }

  /** Whatever else an event says: it may end a text. */
  take({ type, text, part, output_index: place, content_index: index }: Record<string, unknown>) {
    const told = type === "response.output_text.done"
      ? text
      : type === "response.content_part.done" && isRecord(part) && part["type"] === "output_text"
      ? part["text"]
      : undefined;
    if (typeof told !== "string" || told === "") return;
    const message = this.#messages.get(place) ??
      { begun: { type: "message", role: "assistant" }, parts: new Map() };
    message.parts.set(index, told);
    this.#messages.set(place, message);
  }

  /**
   * What was streamed and finished stands: a response that completes without any text has the texts that were told.
   * @returns also the messages that it has only from here, with their places
   */
  complete(response: UpstreamResponse): { response: UpstreamResponse; told: [unknown, Item][] } {
    const { status, output, outputText, refusal } = response;
    if (status !== "completed" || outputText !== "" || refusal !== null) {
      return { response, told: [] };
    }
    const told = [...this.#messages].flatMap(([place, { begun, parts }]): [unknown, Item][] => {
      const content = [...parts.values()].map((text) => ({
        type: "output_text",
        text,
        annotations: [],
      }));
      return content.length === 0 ? [] : [[place, { ...begun, status: "completed", content }]];
    });
    if (told.length === 0) return { response, told };
    const others = output.filter((item) => messageOf(item)?.text !== "");
    const whole = [...others, ...told.map(([, item]) => item)];
    return { response: withOutput({ ...response, outputIsList: true }, whole), told };
  }
}

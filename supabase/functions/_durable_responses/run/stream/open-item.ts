/** An item that has started and not ended. */
import type { Item } from "../../model/items.ts";
import { isRecord } from "../../model/is-record.ts";
import type { EventBody } from "./shown-event.ts";

type PartList = "content" | "summary";

interface Target {
  field: string;
  /** The delta belongs to a part of this type, in this list. */
  list?: PartList;
  part?: string;
}

/** What each kind of delta adds to: a field of the item, or of one of its parts. */
const targets: ReadonlyMap<string, Target> = new Map<string, Target>([
  ["response.output_text.delta", { list: "content", part: "output_text", field: "text" }],
  ["response.refusal.delta", { list: "content", part: "refusal", field: "refusal" }],
  ["response.reasoning_text.delta", { list: "content", part: "reasoning_text", field: "text" }],
  ["response.reasoning_summary_text.delta", {
    list: "summary",
    part: "summary_text",
    field: "text",
  }],
  ["response.function_call_arguments.delta", { field: "arguments" }],
  ["response.mcp_call_arguments.delta", { field: "arguments" }],
  ["response.custom_tool_call_input.delta", { field: "input" }],
  ["response.code_interpreter_call_code.delta", { field: "code" }],
]);

/** How a part of each type ends: with its own event, before the part's. */
const endings: ReadonlyMap<string, { done: string; field: string }> = new Map([
  ["output_text", { done: "response.output_text.done", field: "text" }],
  ["refusal", { done: "response.refusal.done", field: "refusal" }],
  ["reasoning_text", { done: "response.reasoning_text.done", field: "text" }],
  ["summary_text", { done: "response.reasoning_summary_text.done", field: "text" }],
]);

interface Part {
  list: PartList;
  index: number;
  part: Record<string, unknown>;
  open: boolean;
}

/** Follows what readers have seen of an item, so that a later attempt, which knows no more, can close it. */
export class OpenItem {
  readonly #parts: Part[] = [];
  readonly #fields: Record<string, unknown> = {};
  #isTold = false;

  /**
   * @param item as it was shown when it started
   * @param index its output_index
   * @param number of the event that started it
   */
  constructor(readonly item: Item, readonly index: number, readonly number: number) {}

  get id(): string {
    return String(this.item["id"]);
  }

  /** Whether anything of it was shown since it started. */
  get isTold(): boolean {
    return this.#isTold;
  }

  /** Takes an event about it, as it is shown. */
  take(event: EventBody): void {
    const { type, delta } = event;
    if (typeof delta === "string") {
      this.add(type, event["content_index"] ?? event["summary_index"], delta);
    }
    this.#isTold = true;
    if (!type.endsWith("_part.added") && !type.endsWith("_part.done")) return;
    const list = "summary_index" in event ? "summary" : "content";
    const part = this.#partOf(list, event["content_index"] ?? event["summary_index"]);
    if (isRecord(event["part"])) part.part = { ...event["part"] };
    part.open = type.endsWith(".added");
  }

  /** Takes a piece of its text. */
  add(type: string, index: unknown, delta: string): void {
    this.#isTold = true;
    const target = targets.get(type);
    if (target === undefined) return;
    const { list, part, field } = target;
    const into = list === undefined ? this.#fields : this.#partOf(list, index).part;
    if (part !== undefined) into["type"] ??= part;
    const before = into[field];
    into[field] = typeof before === "string" ? before + delta : delta;
  }

  /** The events that close it with what was shown: the run that wrote it is gone, and another starts again. */
  incomplete(): EventBody[] {
    const at = { item_id: this.id, output_index: this.index };
    const open = this.#parts.filter((part) => part.open);
    return [
      ...open.flatMap(({ list, index, part }) => {
        const place = { ...at, [list === "content" ? "content_index" : "summary_index"]: index };
        const ending = endings.get(String(part["type"]));
        return [
          ...(ending === undefined ? [] : [{
            type: ending.done,
            ...place,
            [ending.field]: stringOf(part[ending.field]),
            ...(part["type"] === "output_text" ? { logprobs: [] } : {}),
          }]),
          {
            type: list === "content"
              ? "response.content_part.done"
              : "response.reasoning_summary_part.done",
            ...place,
            part,
          },
        ];
      }),
      { type: "response.output_item.done", output_index: this.index, item: this.#asShown() },
    ];
  }

  #asShown(): Item {
    const list = (name: PartList) => {
      const parts = this.#parts.filter((part) => part.list === name);
      return parts.length === 0
        ? {}
        : { [name]: parts.sort((a, b) => a.index - b.index).map(({ part }) => part) };
    };
    return {
      ...this.item,
      ...this.#fields,
      ...list("content"),
      ...list("summary"),
      status: "incomplete",
    };
  }

  #partOf(list: PartList, told: unknown): Part {
    const index = typeof told === "number" ? told : 0;
    const known = this.#parts.find((part) => part.index === index && part.list === list);
    if (known !== undefined) return known;
    const part: Part = { list, index, part: {}, open: true };
    this.#parts.push(part);
    return part;
  }
}

function stringOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

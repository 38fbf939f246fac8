/** When two items of one response are the same: an API may send an item twice, changed, or with another id. */
import { canonicalJson } from "./canonical.ts";
import { callSchema, type Item, messageOf, readItem } from "./items.ts";
import { leftCallOf } from "./left-calls.ts";

/** An item's id; empty if it has none. */
export function idOf(item: Item): string {
  const { id } = readItem(item);
  return typeof id === "string" ? id : "";
}

export function isEqual(one: Item, other: Item): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

export function withoutId(item: Item): Item {
  return { ...item, id: undefined };
}

/** Whether both ask for, or are, calls of one tool with the same arguments. */
export function isLikeCall(one: Item, other: Item): boolean {
  const [call, same] = [contentOf(one), contentOf(other)];
  return call !== undefined && call === same;
}

/** Whether both are the same call: of the calls that OpenAI leaves to others, the call_id is part of it. */
export function isSameCall(one: Item, other: Item): boolean {
  return isLikeCall(one, other) && leftCallOf(one)?.callId === leftCallOf(other)?.callId;
}

/** Whether an item has less to say than the same item in an earlier form. */
export function saysLess(item: Item, before: Item): boolean {
  const [now, then] = [messageOf(item), messageOf(before)];
  if (now && then) {
    return now.text.length + now.refusal.length < then.text.length + then.refusal.length;
  }
  const filled = (of: Item) => Object.values(of).filter((value) => value !== null).length;
  return filled(item) < filled(before);
}

function contentOf(item: Item): string | undefined {
  const left = leftCallOf(item);
  if (left !== undefined) {
    return JSON.stringify([left.kind, left.tool, canonicalJson(left.arguments)]);
  }
  if (item.type !== "mcp_call" && item.type !== "mcp_approval_request") return undefined;
  const { server_label, name, arguments: args } = callSchema.parse(item);
  return JSON.stringify([item.type, server_label, name, canonicalJson(args)]);
}

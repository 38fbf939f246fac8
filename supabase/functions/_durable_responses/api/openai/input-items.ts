import { flawIn } from "../../model/flaw.ts";
import * as z from "../../model/zod.ts";
import type { ResponseRecord } from "./record.ts";
import { invalidParam } from "./refusal.ts";

const pageSchema = z.object({
  limit: z._default(z.coerce.number().check(z.int(), z.minimum(1), z.maximum(100)), 20),
  order: z._default(z.enum(["asc", "desc"]), "desc"),
  after: z.optional(z.string()),
});

type InputItem = { id: string } & Record<string, unknown>;

/** A page of the input: `GET /v1/responses/:id/input_items`, the last item first by default. */
export function inputItemsPage(record: ResponseRecord, query: URLSearchParams) {
  const given = Object.fromEntries(query);
  const page = pageSchema.safeParse(given);
  if (!page.success) {
    const { place, why } = flawIn(page.error, given);
    throw invalidParam(place, "invalid_value", `Cannot accept '${place}': ${why}`);
  }
  const { limit, order, after } = page.data;
  const items = itemsOf(record);
  if (order === "desc") items.reverse();
  const start = after === undefined ? 0 : items.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && start === 0) {
    throw invalidParam("after", "invalid_value", `No input item with id '${after.slice(0, 100)}'`);
  }
  const data = items.slice(start, start + limit);
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + limit < items.length,
  };
}

/** Every item gets an id, so that a page can say where the next one begins. */
function itemsOf({ id, input }: ResponseRecord): InputItem[] {
  const items = typeof input === "string" ? [{ role: "user", content: input }] : input ?? [];
  return items.map((item, index) => {
    const given = item["id"];
    const itemId = typeof given === "string" ? given : `item_${id.replaceAll("-", "")}${index}`;
    if (!("role" in item)) return { ...item, id: itemId };
    const { content } = item;
    return {
      ...item,
      id: itemId,
      type: "message",
      status: "completed",
      content: typeof content === "string" ? [{ type: "input_text", text: content }] : content,
    };
  });
}

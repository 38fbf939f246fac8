import { ApiError } from "../errors.ts";
import type { ApiContext } from "./context.ts";

/** What OpenAI lists, as far as this repository names it, and the day on which a model shuts down. */
const shutdownDates: Readonly<Record<string, string | null>> = {
  "gpt-6.1-sol": null,
  "gpt-6.1-terra": null,
  "gpt-6-luna": null,
  "gpt-5.6-terra": null,
  "gpt-5": "2026-12-11",
  "gpt-5-mini": "2026-12-11",
};

/** Seconds since 1970; the same for all, since nothing goes by it. */
const createdAt = 1_780_000_000;

/** GET /v1/models */
export function listModels(context: ApiContext): Response {
  return context.json({ object: "list", data: Object.keys(shutdownDates).map(describe) });
}

/** GET /v1/models/:id. Every name runs here; only these are listed. */
export function retrieveModel(context: ApiContext): Response {
  const id = context.req.param("id") ?? "";
  if (Object.hasOwn(shutdownDates, id)) return context.json(describe(id));
  throw new ApiError(404, {
    message: `The model '${id}' does not exist or you do not have access to it.`,
    param: "model",
    code: "model_not_found",
  });
}

function describe(id: string) {
  return {
    id,
    object: "model",
    created: createdAt,
    owned_by: "openai",
    shutdown_date: shutdownDates[id] ?? null,
  };
}

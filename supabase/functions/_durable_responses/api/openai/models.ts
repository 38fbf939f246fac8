import type { Profiles } from "../../profiles/profile.ts";
import { Refusal } from "./refusal.ts";

/** The profiles in the form of `GET /v1/models`: the names that a request may use as its model. */
export function listModels(profiles: Profiles) {
  return { object: "list", data: Object.keys(profiles).map(modelOf) };
}

/** @throws Refusal 404 */
export function getModel(profiles: Profiles, id: string) {
  if (Object.hasOwn(profiles, id)) return modelOf(id);
  throw new Refusal(
    404,
    `The model '${id.slice(0, 100)}' does not exist here: the profiles are ${
      Object.keys(profiles).join(", ")
    }`,
    { code: "model_not_found", param: "model" },
  );
}

function modelOf(id: string) {
  return { id, object: "model", created: 0, owned_by: "durable-responses" };
}

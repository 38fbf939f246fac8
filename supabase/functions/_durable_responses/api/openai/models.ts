import type { Profiles } from "../../profiles/profile.ts";

/** The profiles as `GET /v1/models` lists models: what may be named in a request. */
export function listModels(profiles: Profiles) {
  return {
    object: "list",
    data: Object.keys(profiles).map((id) => ({
      id,
      object: "model",
      created: 0,
      owned_by: "durable-responses",
    })),
  };
}

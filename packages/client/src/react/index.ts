export { DurableResponsesProvider, type ProviderProps, useDurableResponses } from "./context.ts";
export type { Followed } from "./follower.ts";
export { type Actions, useDurableResponse } from "./use-durable-response.ts";
export { type Submit, useSubmit } from "./use-submit.ts";

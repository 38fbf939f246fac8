import type OpenAI from "openai";

type Sdk = OpenAI.Responses.Response;

/** An error inside a response. The SDK lists some codes, but the set is open. */
export interface ResponseError {
  code: string;
  message: string;
}

/** A response as it goes over the wire: `output_text` is made by the SDK, not sent. */
export type WireResponse = Omit<Sdk, "output_text" | "error"> & { error: ResponseError | null };

export type ResponseStatus = NonNullable<Sdk["status"]>;
export type OutputItem = OpenAI.Responses.ResponseOutputItem;
export type McpCallItem = OpenAI.Responses.ResponseOutputItem.McpCall;
export type McpCallError = NonNullable<McpCallItem["error"]>;

type BodyOf<E> = E extends { response: unknown }
  ? Omit<E, "sequence_number" | "response"> & { response: WireResponse }
  : Omit<E, "sequence_number">;

/** A stream event before it has its number. */
export type EventBody = BodyOf<OpenAI.Responses.ResponseStreamEvent>;

/** A stream event as it is sent. */
export type WireEvent = EventBody & { sequence_number: number };

/** The statuses that never change again. */
export function isFinal(status: ResponseStatus | undefined): boolean {
  return status !== "queued" && status !== "in_progress";
}

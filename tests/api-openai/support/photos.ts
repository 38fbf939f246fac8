/** A question with pictures and files in it, as the SDK sends it. */
import { Buffer } from "node:buffer";
import type OpenAI from "openai";

export const dataUrl = (bytes: Uint8Array, mime = "image/png") =>
  `data:${mime};base64,${Buffer.from(bytes).toString("base64")}`;

type Input = OpenAI.Responses.ResponseInput;
type Part = OpenAI.Responses.ResponseInputContent;
export const asking = (...parts: Part[]): Input => [
  { role: "user", content: [{ type: "input_text", text: "What is this?" }, ...parts] },
];
export const image = (bytes: Uint8Array): Part => ({
  type: "input_image",
  detail: "low",
  image_url: dataUrl(bytes),
});
/** OpenAI's types do not know it. */
export const stored = (path: string, bucket = "photos"): Part =>
  Object.assign({ type: "input_image" as const, detail: "low" as const }, {
    storage: { bucket, path },
  });

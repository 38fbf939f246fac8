import { createHash } from "node:crypto";
import type { TestStack } from "./stack.ts";

/** This many bytes, which do not compress, as in a photo. */
export function photoOf(bytes: number): Uint8Array<ArrayBuffer> {
  const photo = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) {
    crypto.getRandomValues(photo.subarray(at, at + 65_536));
  }
  return photo;
}

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** How often OpenAI has downloaded a file. */
export function downloadsOf({ openai }: TestStack, file: Uint8Array): number {
  const digest = sha256(file);
  return openai.downloads.filter((download) => download.sha256 === digest).length;
}

// @ts-types="./timing-safe-equal.d.ts"
import { timingSafeEqual } from "deno-std/crypto/timing_safe_equal.js";

/** Compares two secrets in constant time. It compares digests, so that not even the length shows. */
export async function sameSecret(given: string, expected: string): Promise<boolean> {
  const [a, b] = await Promise.all([digest(given), digest(expected)]);
  return timingSafeEqual(a, b);
}

function digest(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}

/** SHA-256 of a text, hex. */
export async function sha256(text: string): Promise<string> {
  return hex(await digest(text));
}

/** Bytes as lower-case hex. */
export function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

import type { SentFile } from "../../files/take-files.ts";
import { type Caller, ownerOf } from "../../model/caller.ts";
import { hasFiles } from "../../model/files.ts";
import { isRecord } from "../../model/is-record.ts";
import { maxBodyBytes, tooLarge } from "./body.ts";

/** An input, and the body that it came in. */
interface Sent<Input> {
  input: Input;
  text: string;
  bytes: number;
}

/**
 * Checks a request's images and files, and takes out those that are too large for a row. The code for this is loaded only if
 * there are any.
 * @throws RequestError `invalid_request`, `payload_too_large`
 */
export async function takenFiles<Input>(
  { input, text, bytes }: Sent<Input>,
  caller: Caller,
): Promise<{ input: Input | Record<string, unknown>[]; text: string; files: SentFile[] }> {
  if (!Array.isArray(input) || !input.every(isRecord) || !hasFiles(input)) {
    if (bytes > maxBodyBytes) throw tooLarge({ bytes: maxBodyBytes }, bytes);
    return { input, text, files: [] };
  }
  const { takeFiles } = await import("../../files/take-files.ts");
  const sender = { owner: ownerOf(caller), isServer: caller.kind === "service" };
  return await takeFiles({ input, text, bytes }, sender, maxBodyBytes);
}

/** The address of an MCP server as a request has it: references stand in it for secrets. */
import { secretReference } from "./profile.ts";

/** Replaces a reference when a text is read as if it were filled in. */
export const filledIn = "secret-reference";

/** The address as if its references were filled in; undefined if it is none of a web server. */
export function serverUrl(text: string): URL | undefined {
  // A reference at the beginning stands for scheme and host.
  const base = text.startsWith("{{") ? "https://host.invalid/" : undefined;
  const url = URL.parse(text.replace(secretReference, filledIn), base);
  return url?.protocol === "https:" || url?.protocol === "http:" ? url : undefined;
}

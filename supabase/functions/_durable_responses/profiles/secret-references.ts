/** `secret("NAME")` in a profile's tools: finds the references, and replaces them with the functions' secrets. */
import type { RequestTool } from "../model/request.ts";
import { RequestError } from "../platform/errors.ts";
import { howToSet } from "../platform/how-to-set.ts";
import { rememberCredential, rememberSecret } from "../platform/redact.ts";
import { secretReference } from "./profile.ts";

/**
 * A copy of a value in which every reference of `secret()` is replaced by its environment variable.
 * @throws RequestError `secret_not_set`, naming the variable
 */
export function resolveSecrets<T>(value: T): T {
  return mapStrings(value, (text) =>
    text.replace(secretReference, (_, name: string) => {
      const found = setValue(
        name,
        `Cannot make the request: the profile uses the secret ${name}, which is not set`,
      );
      rememberSecret(found);
      return found;
    }));
}

/**
 * A secret that an adopter's own code asks for. It is masked wherever it comes back.
 * @param cannot what cannot be done without it, such as `Cannot call the tool 'refund'`
 * @throws RequestError `secret_not_set`, naming the variable
 */
export function secretValue(name: string, cannot: string): string {
  const value = setValue(name, `${cannot}: the secret ${name} is not set`);
  rememberCredential(value);
  return value;
}

function setValue(name: string, message: string): string {
  const value = Deno.env.get(name);
  if (!value) {
    throw new RequestError("secret_not_set", message, { hint: howToSet(`${name}=…`) });
  }
  return value;
}

/**
 * A copy of tools with their references replaced. The values in headers and `authorization` are credentials: they are masked
 * wherever they come back.
 * @throws RequestError `secret_not_set`; `not_configured` for a credential that would break its header in two
 */
export function resolveTools(tools: RequestTool[]): RequestTool[] {
  for (
    const name of secretNames(tools.map(({ headers, authorization }) => [headers, authorization]))
  ) {
    const value = Deno.env.get(name) ?? "";
    if (/[\r\n\0]/.test(value)) {
      throw new RequestError(
        "not_configured",
        `Cannot make the request: the secret ${name} contains a line break, which a header cannot have`,
        { hint: `Leave out the line break. ${howToSet(`${name}=…`)}` },
      );
    }
    rememberCredential(value);
  }
  return resolveSecrets(tools);
}

/** The names of all secrets that a value refers to. */
export function secretNames(value: unknown): Set<string> {
  const names = new Set<string>();
  mapStrings(value, (text) => {
    for (const match of text.matchAll(secretReference)) if (match[1]) names.add(match[1]);
    return text;
  });
  return names;
}

/** Rebuilds plain JSON data with each string mapped. The shape, and so the type, stays the same. */
function mapStrings<T>(value: T, map: (text: string) => string): T;
function mapStrings(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === "string") return map(value);
  if (Array.isArray(value)) return value.map((entry) => mapStrings(entry, map));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, mapStrings(entry, map)]),
    );
  }
  return value;
}

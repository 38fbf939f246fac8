import { RequestError } from "../errors.ts";
import { rememberSecret } from "../redact.ts";
import { SECRET_REFERENCE } from "./profile.ts";

/**
 * A copy of a value in which every reference of `secret()` is replaced by its environment variable.
 * @throws RequestError `secret_not_set`, naming the variable
 */
export function resolveSecrets<T>(value: T): T {
  return mapStrings(value, (text) =>
    text.replace(SECRET_REFERENCE, (_, name: string) => {
      const found = Deno.env.get(name);
      if (!found) {
        throw new RequestError(
          "secret_not_set",
          `Cannot make the request: the secret ${name} that the profile refers to is not set`,
          {
            hint: `supabase secrets set ${name}=…`,
          },
        );
      }
      rememberSecret(found);
      return found;
    }));
}

/** The names of all secrets that a value refers to. */
export function secretNames(value: unknown): Set<string> {
  const names = new Set<string>();
  mapStrings(value, (text) => {
    for (const match of text.matchAll(SECRET_REFERENCE)) if (match[1]) names.add(match[1]);
    return text;
  });
  return names;
}

/** Rebuilds plain JSON data with each string mapped; the shape, and so the type, stays as it is. */
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

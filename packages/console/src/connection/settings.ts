/** Which project the console opens: from the page's address, from config.js, or from what was typed last. */
import { z } from "zod";

const settingsSchema = z.object({
  url: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, "")),
  publishableKey: z.string().trim().min(1),
});

const configSchema = z.object({
  url: z.string().optional(),
  publishableKey: z.string().optional(),
  /** Offered when somebody asks a query. */
  profiles: z.array(z.string()).default([]),
  /** Only from `npm run dev`: sign in with one click. */
  development: z.object({
    email: z.string(),
    password: z.string(),
    secretKey: z.string(),
  }).optional(),
});

export interface ProjectSettings {
  /** `https://<ref>.supabase.co` */
  url: string;
  publishableKey: string;
}

export type PageConfig = z.infer<typeof configSchema>;

declare global {
  interface Window {
    DURABLE_RESPONSES_CONSOLE?: unknown;
  }
}

const storageKey = "durable-responses-project";

/** What config.js says; throws if that is not what it should be. */
export function readPageConfig(): PageConfig {
  return configSchema.parse(globalThis.window.DURABLE_RESPONSES_CONSOLE ?? {});
}

/** The project to open, or what is known of it, to fill the form with. */
export function readSettings(config: PageConfig): Partial<ProjectSettings> {
  const query = new URLSearchParams(location.search);
  const given = { url: query.get("url"), publishableKey: query.get("key") };
  if (given.url !== null) {
    return { url: given.url, publishableKey: given.publishableKey ?? "" };
  }
  if (config.url !== undefined) {
    return { url: config.url, publishableKey: config.publishableKey ?? "" };
  }
  return parseSettings(readStored()) ?? {};
}

/** Settings as they may be used, or undefined if they are not complete. */
export function parseSettings(given: unknown): ProjectSettings | undefined {
  return settingsSchema.safeParse(given).data;
}

/** Remembers the project for the next visit; the publishable key is public. */
export function storeSettings(settings: ProjectSettings): void {
  localStorage.setItem(storageKey, JSON.stringify(settings));
}

export function forgetSettings(): void {
  localStorage.removeItem(storageKey);
}

function readStored(): unknown {
  try {
    return JSON.parse(localStorage.getItem(storageKey) ?? "null");
  } catch (error) {
    // What another version or a person left there is no reason not to start.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

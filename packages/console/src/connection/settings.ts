/**
 * Which project the console opens: that of config.js, or the one that was opened last. Another one is opened only if a
 * person agrees.
 */
import { z } from "zod";

const urlSchema = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ""));

const settingsSchema = z.object({
  url: urlSchema,
  publishableKey: z.string().trim().min(1),
});

const configSchema = z.object({
  url: z.string().optional(),
  publishableKey: z.string().optional(),
  /** The project that is shown, where `url` is the relay in front of it. */
  projectUrl: z.string().optional(),
  /** Offered when somebody asks a query. */
  profiles: z.array(z.string()).default([]),
  /** The name of `respond` in the project. */
  functionName: z.string().default("respond"),
  /** Only from a stack on this machine: sign in with one click. */
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

/** The settings in config.js. Throws if they are invalid. */
export function readPageConfig(): PageConfig {
  return configSchema.parse(globalThis.window.DURABLE_RESPONSES_CONSOLE ?? {});
}

export interface Projects {
  /** The project that this console is set up for, or the last one opened here: it may be opened without asking. */
  own: Partial<ProjectSettings>;
  /** `own` comes from config.js, and the form opens no other. */
  isFixed: boolean;
  /**
   * The project that the page's address names instead. Anybody can make an address, so a person is asked before anything is
   * sent there.
   */
  asked: ProjectSettings | undefined;
}

/** The projects that this page knows. */
export function readProjects(config: PageConfig): Projects {
  const query = new URLSearchParams(location.search);
  const url = urlSchema.safeParse(query.get("url")).data;
  const publishableKey = query.get("key") ?? "";
  const configured = parseSettings(config);
  const own: Partial<ProjectSettings> = configured ?? parseSettings(readStored()) ?? {};
  return {
    own,
    isFixed: configured !== undefined,
    asked: url === undefined || url === own.url ? undefined : { url, publishableKey },
  };
}

/** Removes the project from the page's address. */
export function forgetAsked(): void {
  history.replaceState(null, "", `${location.pathname}${location.hash}`);
}

/** Settings that may be used, or undefined if they are not complete. */
export function parseSettings(given: unknown): ProjectSettings | undefined {
  return settingsSchema.safeParse(given).data;
}

/** Remembers the project for the next visit. The publishable key is public. */
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
    // A value that another version or a person left there must not stop the console.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

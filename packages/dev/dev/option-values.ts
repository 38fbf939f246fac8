/** Values of command line options: each is parsed where it is given, and a wrong one is told with its rule. */
import { InvalidArgumentError } from "commander";
import { z } from "zod";
import { isFunctionName } from "../edge/function-names.ts";

export interface Ports {
  api: number;
  db: number;
}

const webUrlSchema = z.url({ protocol: /^https?$/ });
const commandLine = z.array(z.string()).min(1);

function isPort(port: number | undefined): port is number {
  return Number.isInteger(port) && port !== undefined && port >= 1 && port <= 65535;
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (isPort(port)) return port;
  throw new InvalidArgumentError("It must be a port, a number from 1 to 65535.");
}

export function parsePorts(text: string): Ports {
  const [api, db, ...more] = text.split(",").map(Number);
  if (isPort(api) && isPort(db) && api !== db && more.length === 0) return { api, db };
  throw new InvalidArgumentError(
    "It must be two different ports from 1 to 65535, such as 54321,54322.",
  );
}

export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && Number.isFinite(seconds)) return seconds;
  throw new InvalidArgumentError("It must be a number of seconds above 0.");
}

/** @returns the URL without a trailing slash */
export function parseProjectUrl(text: string): string {
  if (webUrlSchema.safeParse(text).success) return text.replace(/\/+$/, "");
  throw new InvalidArgumentError(
    "It must be the project's URL, such as https://<project-ref>.supabase.co or http://127.0.0.1:54321.",
  );
}

export function parseFunctionName(text: string): string {
  if (isFunctionName(text)) return text;
  throw new InvalidArgumentError(
    "Start with a letter, then use letters, digits, - and _, at most 63 characters.",
  );
}

export function parseCommand(text: string): string[] {
  return commandLine.parse(JSON.parse(text));
}

/** A headless Chromium, if there is one. Its headless shell takes two thirds of the CPU of a whole Chromium, so it comes first. */
import { childEnvironment } from "../../../packages/dev/child-environment.ts";
import { type Browser, chromium } from "playwright-core";

const places = [
  "/usr/bin/chromium-headless-shell",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** The browser's program: CHROMIUM_PATH, or a usual place; undefined if this machine has none. */
export function findChromium(): string | undefined {
  const named = Deno.env.get("CHROMIUM_PATH");
  return [...(named ? [named] : []), ...places].find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
}

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-sync",
  "--disable-background-networking",
  "--disable-component-update",
];

export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error("Cannot test in a browser: there is none here");
  return await chromium.launch({ executablePath, args: flags, env: childEnvironment() });
}

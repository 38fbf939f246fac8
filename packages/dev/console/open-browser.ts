/** The console in the default browser of whoever has started it. */
import open from "open";
import { messageOf } from "../message-of.ts";

/** Whether somebody sits before this machine's screen: a terminal, no CI, and a display that a browser can use. */
export function canOpenBrowser(
  { isTerminal, env, os }: {
    isTerminal: boolean;
    env: Readonly<Record<string, string>>;
    os: typeof Deno.build.os;
  },
): boolean {
  if (!isTerminal || isSet(env["CI"])) return false;
  if (isSet(env["DISPLAY"]) || isSet(env["WAYLAND_DISPLAY"])) return true;
  // From here on there is none that is named: macOS and Windows need none, unless one is there through SSH.
  const isHere = !isSet(env["SSH_CONNECTION"]) && !isSet(env["SSH_TTY"]);
  return isHere && (os === "darwin" || os === "windows" || isSet(env["WSL_DISTRO_NAME"]));
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "false" && value !== "0";
}

/** Opens the address where that can be. @returns why not, for whoever expected it; undefined when all is as it should be */
export async function openBrowser(url: string): Promise<string | undefined> {
  const { os } = Deno.build;
  const isTerminal = Deno.stdout.isTerminal();
  if (!canOpenBrowser({ isTerminal, env: Deno.env.toObject(), os })) return undefined;
  try {
    await open(url);
    return undefined;
  } catch (error) {
    return `Cannot open a browser: ${messageOf(error)}`;
  }
}

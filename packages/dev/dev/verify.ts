/**
 * Checks after a restart, while the functions already run, whether they can be loaded and whether the profiles are right. A
 * further change starts both checks again.
 */
import { sep } from "node:path";
import { toldFault } from "../edge/load-faults.ts";
import type { Stack } from "../stack/options.ts";
import { messageOf } from "../message-of.ts";
import { isOfTheFile, type ProfileCheck, ProfileTeller } from "./profile-check.ts";

export interface Verified {
  stack: Stack;
  check: ProfileCheck | undefined;
  /** Gets a line for a person. */
  say: (line: string) => void;
}

export interface Restarted {
  /** Paths within `supabase/`. */
  code: string[];
  /** The functions that were restarted. */
  names: string[];
}

export function verifier({ stack, check, say }: Verified) {
  const teller = new ProfileTeller(say);
  const open = { code: new Set<string>(), names: new Set<string>() };
  let round = 0;

  const profiles = async () => {
    const env = { ...stack.functionEnvironment, SUPABASE_SECRET_KEY: stack.secretKey };
    try {
      return await check?.(env);
    } catch (error) {
      say(`profiles: not checked: ${messageOf(error)}`);
      teller.unchecked();
    }
  };
  const verify = async () => {
    const mine = ++round;
    const [code, names] = [[...open.code].sort(), [...open.names].sort()];
    const [faults, report] = await Promise.all([stack.edge.loadFaults(names), profiles()]);
    if (mine !== round) return;
    open.code.clear();
    open.names.clear();
    for (const fault of faults) say(`${shown(code)} changed, but ${toldFault(fault)}`);
    const loaded = names.filter((name) => !faults.some((fault) => fault.names.includes(name)));
    const isUnloadable = report?.findings.some(isOfTheFile) ?? false;
    // The check finds the same once more.
    if (faults.length > 0 && isUnloadable) return teller.unchecked();
    if (loaded.length > 0 && code.length > 0 && !isUnloadable) {
      say(`${shown(code)} changed: reloaded ${loaded.join(", ")}`);
    }
    if (report !== undefined) teller.tell(report);
  };
  return {
    changed({ code, names }: Restarted) {
      for (const path of code) open.code.add(path);
      for (const name of names) open.names.add(name);
      verify().catch((error) => say(`Cannot verify the change: ${messageOf(error)}`));
    },
    stop: () => void round++,
  };
}

/** One path, and how many more. */
export function shown(paths: string[]): string {
  const [first = "", ...more] = paths.map((path) => `supabase/${path.replaceAll(sep, "/")}`);
  return more.length === 0 ? first : `${first} and ${more.length} more`;
}

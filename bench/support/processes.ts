/** CPU of all processes that were started from here, on Linux. */
import { type Proc, readProc } from "../../packages/dev/edge/usage.ts";
import { cpuOf } from "./process.ts";

/** User and system time of this process's descendants, in ms (steps of 10 ms), by name: `postgres`, `deno` and so on. */
export async function cpuOfDescendants(): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  for (const { pid, name, cpuMs, endedChildrenMs } of await familyOf(Deno.pid)) {
    if (pid === Deno.pid) continue;
    sums.set(name, (sums.get(name) ?? 0) + cpuMs + endedChildrenMs);
  }
  return sums;
}

/**
 * User and system time of a process and its descendants, ended ones too, in ms; 0 without /proc. Only for processes with one
 * thread, such as those of Postgres: the scheduler counts a thread's time in ns, but `stat` counts in steps of 10 ms.
 */
export async function cpuOfFamily(pid: number): Promise<number> {
  const each = await Promise.all((await familyOf(pid)).map(async (member) => {
    const own = await cpuOf(member.pid);
    return (Number.isNaN(own) ? member.cpuMs : own) + member.endedChildrenMs;
  }));
  return each.reduce((sum, ms) => sum + ms, 0);
}

async function familyOf(root: number): Promise<(Proc & { pid: number })[]> {
  const all = await processes();
  const family = new Set([root]);
  for (let found = -1; found !== family.size;) {
    found = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid));
}

async function processes(): Promise<(Proc & { pid: number })[]> {
  if (Deno.build.os !== "linux") return [];
  const found: (Proc & { pid: number })[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    const pid = Number(name);
    const proc = Number.isInteger(pid) ? await readProc(pid) : undefined;
    if (proc) found.push({ ...proc, pid });
  }
  return found;
}

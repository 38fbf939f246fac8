/** CPU of all processes that were started from here, on Linux. */
import { type Proc, readProc } from "../../packages/dev/edge/usage.ts";

/** User and system time of this process's descendants, in ms in steps of 10, by name: `postgres`, `deno` and so on. */
export async function cpuOfDescendants(): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  for (const { pid, name, cpuMs, endedChildrenMs } of await familyOf(Deno.pid)) {
    if (pid === Deno.pid) continue;
    sums.set(name, (sums.get(name) ?? 0) + cpuMs + endedChildrenMs);
  }
  return sums;
}

/** User and system time of a process, its descendants and those that have ended, in ms in steps of 10; 0 without /proc. */
export async function cpuOfFamily(pid: number): Promise<number> {
  return (await familyOf(pid)).reduce(
    (sum, { cpuMs, endedChildrenMs }) => sum + cpuMs + endedChildrenMs,
    0,
  );
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

/** CPU of all processes that were started from here, on Linux. */
import { type Proc, readProc } from "../../packages/dev/edge/usage.ts";

/** User and system time, ms in steps of 10, of the descendants of this process by name: `postgres`, `deno` and so on. */
export async function cpuOfDescendants(): Promise<Map<string, number>> {
  const all = await processes();
  const ours = new Set([Deno.pid]);
  for (let found = -1; found !== ours.size;) {
    found = ours.size;
    for (const { pid, parent } of all) if (ours.has(parent)) ours.add(pid);
  }
  const sums = new Map<string, number>();
  for (const { pid, name, cpuMs, endedChildrenMs } of all) {
    if (pid === Deno.pid || !ours.has(pid)) continue;
    sums.set(name, (sums.get(name) ?? 0) + cpuMs + endedChildrenMs);
  }
  return sums;
}

async function processes(): Promise<(Proc & { pid: number })[]> {
  const found: (Proc & { pid: number })[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    const pid = Number(name);
    const proc = Number.isInteger(pid) ? await readProc(pid) : undefined;
    if (proc) found.push({ ...proc, pid });
  }
  return found;
}

/** CPU and memory of all processes that were started from here, on Linux. */
import { isNoSuchProcess } from "../../local/edge/usage.ts";

export interface Usage {
  /** User and system time, ms, in steps of 10. */
  cpuMs: number;
  /** Resident memory now, MB. */
  rssMb: number;
}

interface Process extends Usage {
  pid: number;
  parent: number;
  name: string;
}

const MS_PER_TICK = 10;

/** The descendants of this process, added up by their name, such as `postgres`, `postgrest` and `deno`. */
export async function descendants(): Promise<Map<string, Usage>> {
  const all = await processes();
  const ours = new Set([Deno.pid]);
  for (let found = -1; found !== ours.size;) {
    found = ours.size;
    for (const { pid, parent } of all) if (ours.has(parent)) ours.add(pid);
  }
  const sums = new Map<string, Usage>();
  for (const { pid, name, cpuMs, rssMb } of all) {
    if (pid === Deno.pid || !ours.has(pid)) continue;
    const sum = sums.get(name) ?? { cpuMs: 0, rssMb: 0 };
    sums.set(name, { cpuMs: sum.cpuMs + cpuMs, rssMb: sum.rssMb + rssMb });
  }
  return sums;
}

/** CPU that was used between two looks, ms by name. */
export function cpuBetween(before: Map<string, Usage>, after: Map<string, Usage>) {
  return new Map(
    [...after].map(([name, { cpuMs }]) => [name, cpuMs - (before.get(name)?.cpuMs ?? 0)]),
  );
}

async function processes(): Promise<Process[]> {
  const found: Process[] = [];
  for await (const { name: pid } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
      const status = await Deno.readTextFile(`/proc/${pid}/status`);
      // The second field is the name in parentheses and may hold spaces; the parent is the 4th, utime and stime
      // are the 14th and 15th, those of children that have ended the 16th and 17th.
      const end = stat.lastIndexOf(")");
      const fields = stat.slice(end + 2).split(" ").map(Number);
      const [user = 0, system = 0, userOfEnded = 0, systemOfEnded = 0] = fields.slice(11, 15);
      found.push({
        pid: Number(pid),
        parent: fields[1] ?? 0,
        name: stat.slice(stat.indexOf("(") + 1, end),
        cpuMs: (user + system + userOfEnded + systemOfEnded) * MS_PER_TICK,
        rssMb: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024,
      });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) && !isNoSuchProcess(error)) throw error;
    }
  }
  return found;
}

/** CPU time and memory of a process, as the operating system counts them. */

export interface ProcessUsage {
  /** User and system time since the process started, in ms (Linux counts in steps of 10 ms). */
  cpuMs: number;
  /** Resident memory now, in MiB. */
  rssMb: number;
}

/** Linux has exported process times in hundredths of a second (USER_HZ) on every platform Deno runs on. */
const msPerTick = 10;

/** The usage of a process, or undefined when it has ended. */
export function processUsage(pid: number): Promise<ProcessUsage | undefined> {
  return Deno.build.os === "linux" ? fromProc(pid) : fromPs(pid);
}

async function fromProc(pid: number): Promise<ProcessUsage | undefined> {
  const found = await readProc(pid);
  return found && { cpuMs: found.cpuMs, rssMb: found.rssMb };
}

/** What /proc says of a process, on Linux. */
export interface Proc extends ProcessUsage {
  name: string;
  parent: number;
  /** Of its children that have ended, ms. */
  endedChildrenMs: number;
}

/** @returns undefined when the process has ended */
export async function readProc(pid: number): Promise<Proc | undefined> {
  try {
    const [stat, status] = await Promise.all([
      Deno.readTextFile(`/proc/${pid}/stat`),
      Deno.readTextFile(`/proc/${pid}/status`),
    ]);
    // The second field is the name in parentheses and may hold spaces; the parent is the 4th, utime and stime are 14
    // and 15, those of children that have ended 16 and 17.
    const end = stat.lastIndexOf(")");
    const [, parent = 0, ...fields] = stat.slice(end + 2).split(" ").map(Number);
    const [user = 0, system = 0, userOfEnded = 0, systemOfEnded = 0] = fields.slice(9, 13);
    const rssKb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    return {
      name: stat.slice(stat.indexOf("(") + 1, end),
      parent,
      cpuMs: (user + system) * msPerTick,
      endedChildrenMs: (userOfEnded + systemOfEnded) * msPerTick,
      rssMb: roundMb(rssKb),
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isNoSuchProcess(error)) return undefined;
    throw error;
  }
}

/** What a process that ends between opening and reading looks like; Deno gives the number only in the text. */
export function isNoSuchProcess(error: unknown): boolean {
  return error instanceof Error && /\(os error 3\)/.test(error.message);
}

/** macOS has no /proc; `ps` prints the time as [hours:]minutes:seconds.hundredths. */
async function fromPs(pid: number): Promise<ProcessUsage | undefined> {
  const ps = new Deno.Command("ps", { args: ["-o", "time=,rss=", "-p", String(pid)] });
  const { code, stdout } = await ps.output();
  const [time, rssKb] = new TextDecoder().decode(stdout).trim().split(/\s+/);
  if (code !== 0 || !time || !rssKb) return undefined;
  const seconds = time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return { cpuMs: Math.round(seconds * 1000), rssMb: roundMb(Number(rssKb)) };
}

function roundMb(kb: number): number {
  return Math.round(kb / 102.4) / 10;
}

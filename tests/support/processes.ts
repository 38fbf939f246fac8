/** Every process below `pid`, with its command line. */
export async function descendantsOf(pid: number): Promise<{ pid: number; command: string }[]> {
  const ps = new Deno.Command("ps", { args: ["-A", "-ww", "-o", "pid=,ppid=,args="] });
  const { stdout } = await ps.output();
  const all = new TextDecoder().decode(stdout).trim().split("\n").map((line) => {
    const [own = "", parent = "", ...command] = line.trim().split(/\s+/);
    return { pid: Number(own), parent: Number(parent), command: command.join(" ") };
  });
  const below = (parent: number): typeof all =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)]);
  return below(pid).map(({ pid, command }) => ({ pid, command }));
}

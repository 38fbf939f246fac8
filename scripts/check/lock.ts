/**
 * package-lock.json must hold every optional package of every platform: npm 11 refuses `npm ci` otherwise, and leaves out
 * whatever the registry in use does not have (a mirror may hold the packages of its own platform only).
 */
import { join } from "node:path";
import { z } from "zod";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";

const entry = z.looseObject({
  dev: z.boolean().optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
});
// Entries are kept as they are read: parsing them would put their members in another order.
const members = z.record(z.string(), z.unknown());

/** Names what is missing; with `write` it adds it: name, version and platform, as the package that asks for it says. */
export async function checkLock(write: boolean): Promise<string | undefined> {
  const path = join(projectRoot, "package-lock.json");
  const lock = members.parse(JSON.parse(await Deno.readTextFile(path)));
  const packages = members.parse(lock["packages"]);
  const missing = missingEntries(packages);
  if (Object.keys(missing).length === 0) return undefined;
  if (write) {
    const all = Object.entries({ ...packages, ...missing });
    all.sort(([a], [b]) => a.localeCompare(b, "en"));
    const whole = { ...lock, packages: Object.fromEntries(all) };
    await Deno.writeTextFile(path, JSON.stringify(whole, null, 2) + "\n");
    return undefined;
  }
  const names = Object.keys(missing).map((key) => key.replace(/^node_modules\//, "")).join(", ");
  return `package-lock.json lacks ${names}, so 'npm ci' fails with npm 11; run 'npm run check -- --write'`;
}

/** Entries for the exactly versioned optional packages that have none. */
export function missingEntries(packages: Record<string, unknown>): Record<string, unknown> {
  const missing: Record<string, unknown> = {};
  for (const { dev, optionalDependencies = {} } of z.array(entry).parse(Object.values(packages))) {
    for (const [name, range] of Object.entries(optionalDependencies)) {
      const key = `node_modules/${name}`;
      const version = /^v?(\d+\.\d+\.\d+[\w.-]*)$/.exec(range)?.[1];
      if (key in packages || version === undefined) continue;
      missing[key] = { version, ...(dev && { dev }), optional: true, ...platformOf(name) };
    }
  }
  return missing;
}

// These packages are named for their platform; npm skips those of others without asking the registry.
function platformOf(name: string): { os?: string[]; cpu?: string[]; libc?: string[] } {
  const os = /darwin|linux|win32|windows/.exec(name)?.[0].replace("windows", "win32");
  const cpu = /arm64|x64/.exec(name)?.[0];
  const libc = /musl|glibc/.exec(name)?.[0];
  return { ...(cpu && { cpu: [cpu] }), ...(libc && { libc: [libc] }), ...(os && { os: [os] }) };
}

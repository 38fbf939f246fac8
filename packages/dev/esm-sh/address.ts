/** The paths of esm.sh: `/name@1.2.3/sub` is an entry, `/name@1.2.3/denonext/sub.mjs` the module behind it. */
import { type Package, splitSpecifier } from "./package.ts";

/** What esm.sh builds for a Deno of today, which it knows by its User-Agent. */
export const target = "denonext";
const exactVersion = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;

export interface Address {
  name: string;
  version: string;
  isExact: boolean;
  /** Empty for the package itself. */
  subPath: string;
  /** Of `&deps=zod@4.6.7`: which version of a dependency it gets. */
  deps: Readonly<Record<string, string>>;
  /** The module itself, rather than the entry that leads to it. */
  isBuild: boolean;
}

/** What a request asks for; undefined for a path of another form. */
export function parseAddress({ pathname, searchParams }: URL): Address | undefined {
  const { name, version: versionAndQuery, subPath: rest } = splitSpecifier(
    decodeURIComponent(pathname.slice(1)),
  );
  const [version = "", ...queries] = versionAndQuery.split("&");
  if (version === "") return undefined;
  const query = new URLSearchParams(queries.join("&"));
  const build = new RegExp(`^(?:X-(?<args>[\\w-]+)/)?${target}/(?<path>.+)\\.mjs$`).exec(rest)
    ?.groups;
  const isExact = exactVersion.test(version);
  if (!build) {
    const deps = parseDeps(query.get("deps") ?? searchParams.get("deps"));
    return { name, version, isExact, deps, isBuild: false, subPath: withoutEnd(rest) };
  }
  const { args, path = "" } = build;
  const own = baseName(name);
  return {
    name,
    version,
    isExact,
    isBuild: true,
    deps: parseDeps(args === undefined ? null : decodeArgs(args)),
    subPath: path === own ? "" : path === `__${own}` ? own : path,
  };
}

/** The path of a module. */
export function buildPath(
  { name, version, subPath, deps }: Pick<Address, "name" | "version" | "subPath" | "deps">,
): string {
  const own = baseName(name);
  const file = subPath === "" ? own : subPath === own ? `__${own}` : subPath;
  const list = Object.entries(deps).map(([dep, depVersion]) => `${dep}@${depVersion}`).sort();
  const args = list.length === 0 ? "" : `X-${encodeArgs(list.join(","))}/`;
  return `/${name}@${version}/${args}${target}/${file}.mjs`;
}

/** What a module of `from` imports by a name of another package. */
export function dependencyPath(
  from: Package,
  specifier: string,
  deps: Address["deps"],
): string {
  const { name, subPath } = splitSpecifier(specifier);
  const version = deps[name] ?? from.dependencies[name] ?? "latest";
  const path = { name, version, subPath: withoutEnd(subPath), deps: {} };
  if (exactVersion.test(version)) return buildPath(path);
  return `/${name}@${encodeURIComponent(version)}${subPath && `/${subPath}`}?target=${target}`;
}

function parseDeps(text: string | null): Record<string, string> {
  const deps = (text ?? "").split(",").filter((dep) => dep !== "").map(splitSpecifier);
  return Object.fromEntries(deps.map(({ name, version }) => [name, version]));
}

/** As esm.sh writes them: a letter that says what it is, then the list. */
function encodeArgs(deps: string): string {
  return new TextEncoder().encode(`d${deps}`).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

function decodeArgs(args: string): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(args, { alphabet: "base64url" })).slice(1);
}

function withoutEnd(path: string): string {
  return path.replace(/\.[cm]?js$/, "");
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1).replace(/\.js$/, "");
}

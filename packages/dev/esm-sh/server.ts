/**
 * A stand-in for https://esm.sh, for Deno: the same paths on another host, of the packages that are installed in node_modules.
 * With it the functions run by their import map as they do where they are deployed.
 */
import { type Address, buildPath, parseAddress } from "./address.ts";
import { buildModule, type Built, NotExported } from "./build.ts";
import { type Package, readPackage } from "./package.ts";

const origin = "https://esm.sh";
const headers = { "content-type": "application/javascript; charset=utf-8" };

export interface EsmSh {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Paths that were asked for, in order. */
  requests: string[];
  /** Packages that were asked for by a range, for which esm.sh gives the newest of the registry: each time another, maybe. */
  floating: Set<string>;
  /** An import map's entries, with this host in the place of esm.sh. */
  redirected(imports: Readonly<Record<string, string>>): Record<string, string>;
  stop(): Promise<void>;
}

/** @param options.port a free one when left out */
export function startEsmSh({ port = 0 }: { port?: number } = {}): EsmSh {
  const built = new Map<string, Promise<Built>>();
  const requests: string[] = [];
  const floating = new Set<string>();

  function moduleAt(pkg: Package, address: Address): Promise<Built> {
    const path = buildPath(address);
    const known = built.get(path) ?? buildModule(pkg, address);
    built.set(path, known);
    return known;
  }

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    requests.push(url.pathname + url.search);
    if (!request.headers.get("user-agent")?.startsWith("Deno/")) {
      return refuse(400, "esm.sh serves others than Deno too; this stand-in does not");
    }
    const address = parseAddress(url);
    const pkg = address && await readPackage(address.name);
    if (!address || !pkg) return refuse(404, `there is no ${url.pathname}`);
    if (!address.isExact) {
      floating.add(address.name);
      const { subPath, isBuild } = address;
      const path = `/${pkg.name}@${pkg.version}${subPath && `/${subPath}`}${url.search}`;
      return isBuild
        ? refuse(404, `${url.pathname}: a module has an exact version`)
        : new Response(null, { status: 302, headers: { location: path } });
    }
    if (address.version !== pkg.version) {
      return refuse(404, `${pkg.name}@${pkg.version} is installed, not ${address.version}`);
    }
    const module = await moduleAt(pkg, address);
    return new Response(address.isBuild ? module.code : entryTo(buildPath(address), module), {
      headers,
    });
  }

  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      return refuse(error instanceof NotExported ? 404 : 500, String(error));
    }
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    url,
    requests,
    floating,
    redirected: (imports) =>
      Object.fromEntries(
        Object.entries(imports).map(([name, address]) => [name, address.replace(origin, url)]),
      ),
    stop: () => server.shutdown(),
  };
}

/** What an entry is: its module, whose own imports are begun at once. */
function entryTo(path: string, { imports, hasDefault }: Built): string {
  return [
    ...imports.map((address) => `import "${address}";`),
    `export * from "${path}";`,
    ...(hasDefault ? [`export { default } from "${path}";`] : []),
  ].join("\n");
}

function refuse(status: number, message: string): Response {
  return new Response(`Cannot serve: ${message}`, { status });
}

/**
 * Which addresses a worker connects to. A server's address may come from a profile, from a request, or from a redirect, and
 * the function can reach things that cannot be reached from outside: a cloud's metadata service, a database, anything that
 * listens on the same machine.
 */
import { lookup } from "node:dns/promises";
import { reachOf } from "../../platform/reach.ts";

/** An address that must not be connected to. Nothing was sent. */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
}

const setting = "DURABLE_RESPONSES_MCP_HOSTS";

/**
 * Checks where a request would go: its scheme, and every address that its name has at the moment. A name that changes its
 * address a moment later is not caught (docs/security.md).
 * @param hosts lowercase hosts, with or without a port, that may be private and need no https
 * @throws AddressRefused
 */
export async function checkAddress(url: URL, hosts: ReadonlySet<string>): Promise<void> {
  const host = url.hostname.replace(/\.$/, "");
  const named = hosts.has(host) || hosts.has(url.host);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && named)) {
    throw new AddressRefused(
      `Cannot connect to '${url.protocol}//${url.host}': it must be https, or http to a host that ${setting} names`,
    );
  }
  for (const address of await addressesOf(host)) {
    const reach = reachOf(address);
    if (reach === "public" || reach === "private" && named) continue;
    throw new AddressRefused(
      reach === "private"
        ? `Cannot connect to '${url.host}': ${address} is a private address, and ${setting} does not name the host`
        : `Cannot connect to '${url.host}': ${address} is a link-local, metadata or multicast address, which no MCP server may have`,
    );
  }
}

async function addressesOf(host: string): Promise<string[]> {
  if (host.startsWith("[")) return [host.slice(1, -1)];
  // URL writes an IPv4 address in four parts, whatever its form.
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return [host];
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

/** Addresses of images and files, from which OpenAI downloads them. */
import { seen } from "../model/flaw.ts";
import { type Reach, reachOf } from "../platform/reach.ts";

/** Names that only the inside of a network knows: without a dot, or under a name that is reserved for this. */
const innerName = /^[^.]+$|\.(?:local|localhost|internal|home\.arpa|lan)$/;

/**
 * Why OpenAI cannot download from an address, if it certainly cannot. It is not looked up, because that would take time, and
 * OpenAI looks it up in its own network. Only its scheme and host are repeated: the rest may be a credential.
 * @param gateway OPENAI_BASE_URL, for an address from a server: a gateway inside a network may reach private hosts
 */
export function flawOfAddress(address: string, gateway?: string): string | undefined {
  const url = URL.parse(address);
  if (!url) {
    return `it must be an address that begins with https://, or a data URL, but is ${
      seen(address)
    }`;
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return `OpenAI downloads it, so its address must begin with https://, but begins with ${url.protocol}`;
  }
  const reach = reachOfHost(url.hostname);
  if (reach === "public" || reach === "private" && isPrivate(gateway)) return undefined;
  return `OpenAI downloads it, so its host must be public, but is ${url.hostname}`;
}

function isPrivate(gateway: string | undefined): boolean {
  return gateway !== undefined && reachOfHost(new URL(gateway).hostname) === "private";
}

/** @param hostname as URL writes it: an IPv4 address in four parts, an IPv6 address in brackets */
function reachOfHost(hostname: string): Reach {
  const host = hostname.replace(/\.$/, "");
  if (host.startsWith("[")) return reachOf(host.slice(1, -1));
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return reachOf(host);
  return innerName.test(host) ? "private" : "public";
}

/** Which IP addresses can be reached from where: public ones from everywhere, others only from inside a network. */

/**
 * `forbidden`: link-local, metadata services, multicast. Never allowed. `private`: loopback and private networks. Allowed
 * only for hosts that DURABLE_RESPONSES_MCP_HOSTS names.
 */
export type Reach = "public" | "private" | "forbidden";

/** First address, number of bits that count, and what the range is. The first match decides. */
const ipv4Ranges: readonly [string, number, Reach][] = [
  ["169.254.0.0", 16, "forbidden"],
  // Metadata services outside of the link-local range: Alibaba's, Azure's.
  ["100.100.100.200", 32, "forbidden"],
  ["168.63.129.16", 32, "forbidden"],
  ["224.0.0.0", 3, "forbidden"],
  ["0.0.0.0", 8, "private"],
  ["10.0.0.0", 8, "private"],
  ["100.64.0.0", 10, "private"],
  ["127.0.0.0", 8, "private"],
  ["172.16.0.0", 12, "private"],
  ["192.0.0.0", 24, "private"],
  ["192.168.0.0", 16, "private"],
  ["198.18.0.0", 15, "private"],
];

const ipv6Ranges: readonly [string, number, Reach][] = [
  ["fe80::", 10, "forbidden"],
  // Amazon's metadata service, within the private range.
  ["fd00:ec2::254", 128, "forbidden"],
  // Google's.
  ["fd20:ce::254", 128, "forbidden"],
  ["ff00::", 8, "forbidden"],
  ["fc00::", 7, "private"],
  // Translated to IPv4 by whatever rules a network has.
  ["64:ff9b:1::", 48, "private"],
  ["fec0::", 10, "private"],
];

/** Prefixes of IPv6 addresses that contain an IPv4 address, and the group at which it starts. */
const embedded: readonly [string, number, number][] = [
  ["::ffff:0:0", 96, 6],
  ["::ffff:0:0:0", 96, 6],
  // Also `::` and `::1`: 0.0.0.0/8 is private.
  ["::", 96, 6],
  ["64:ff9b::", 96, 6],
  ["2002::", 16, 1],
];

/** The kind of an IP address. */
export function reachOf(address: string): Reach {
  const plain = address.replace(/%.*$/, "");
  if (!plain.includes(":")) return firstFit(ipv4Ranges, ipv4Bits, plain);
  const bits = ipv6Bits(plain);
  const holder = embedded.find(([first, size]) => sameStart(ipv6Bits(first), bits, size));
  if (holder === undefined) return firstFit(ipv6Ranges, ipv6Bits, plain);
  const inside = bits.slice(holder[2] * 16, holder[2] * 16 + 32);
  return firstFit(ipv4Ranges, ipv4Bits, dotted(inside));
}

function firstFit(
  ranges: readonly [string, number, Reach][],
  bitsOf: (address: string) => string,
  address: string,
): Reach {
  const bits = bitsOf(address);
  return ranges.find(([first, size]) => sameStart(bitsOf(first), bits, size))?.[2] ?? "public";
}

function sameStart(a: string, b: string, size: number): boolean {
  return a.slice(0, size) === b.slice(0, size);
}

function ipv4Bits(address: string): string {
  return address.split(".").map((part) => binary(Number(part), 8)).join("");
}

/** Expanded by URL, which knows all forms of an address and refuses invalid ones. */
function ipv6Bits(address: string): string {
  const [front = "", back] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string) => text === "" ? [] : text.split(":");
  const before = groups(front);
  const after = groups(back ?? "");
  const between = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...between, ...after].map((group) => binary(parseInt(group, 16), 16)).join("");
}

function binary(value: number, digits: number): string {
  return value.toString(2).padStart(digits, "0");
}

function dotted(bits: string): string {
  return [0, 8, 16, 24].map((at) => parseInt(bits.slice(at, at + 8), 2)).join(".");
}

import assert from "node:assert/strict";
import fc from "fast-check";
import { reachOf } from "../../../supabase/functions/_durable_responses/platform/reach.ts";
import {
  AddressRefused,
  checkAddress,
} from "../../../supabase/functions/_durable_responses/tools/mcp/addresses.ts";

const forbidden = [
  "169.254.169.254",
  "169.254.0.1",
  "100.100.100.200",
  "168.63.129.16",
  "224.0.0.1",
  "255.255.255.255",
  "fe80::1",
  "fe80::1%eth0",
  "febf:ffff::1",
  "fd00:ec2::254",
  "ff02::1",
  "::ffff:169.254.169.254",
  "::ffff:a9fe:a9fe",
  "64:ff9b::169.254.169.254",
  "2002:a9fe:a9fe::1",
  "::169.254.169.254",
  "::ffff:0:169.254.169.254",
  "fd20:ce::254",
];
const privates = [
  "0.0.0.0",
  "10.0.0.1",
  "10.255.255.255",
  "100.64.0.1",
  "127.0.0.1",
  "127.9.9.9",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "198.19.0.1",
  "::",
  "::1",
  "fc00::1",
  "fdff::1",
  "::ffff:127.0.0.1",
  "::ffff:10.1.2.3",
  "64:ff9b::192.168.0.1",
  "::127.0.0.1",
  "::a00:1",
  "::ffff:0:10.0.0.1",
  "64:ff9b:1::10.0.0.1",
];
const publics = [
  "1.1.1.1",
  "9.255.255.255",
  "11.0.0.0",
  "100.63.255.255",
  "100.128.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "169.253.255.255",
  "169.255.0.0",
  "192.169.0.0",
  "223.255.255.255",
  "2606:4700:4700::1111",
  "2a00:1450:4001::200e",
  "fbff::1",
  "::ffff:8.8.8.8",
];

Deno.test("link-local, metadata and multicast addresses, private ones, and all others, in every form", () => {
  for (const address of forbidden) assert.equal(reachOf(address), "forbidden", address);
  for (const address of privates) assert.equal(reachOf(address), "private", address);
  for (const address of publics) assert.equal(reachOf(address), "public", address);
});

Deno.test("an IPv4 address is the same thing within an IPv6 one", () => {
  fc.assert(fc.property(fc.ipV4(), (address) => {
    assert.equal(reachOf(`::ffff:${address}`), reachOf(address));
    assert.equal(reachOf(`64:ff9b::${address}`), reachOf(address));
  }));
});

async function refused(address: string, ...hosts: string[]): Promise<string> {
  try {
    await checkAddress(new URL(address), new Set(hosts));
    return "";
  } catch (error) {
    assert.ok(error instanceof AddressRefused, String(error));
    return error.message;
  }
}

Deno.test("http needs a host that the setting names, https does not", async () => {
  assert.match(await refused("http://1.1.1.1/mcp"), /must be https, or http to a host/);
  assert.equal(await refused("https://1.1.1.1/mcp"), "");
  assert.equal(await refused("http://1.1.1.1/mcp", "1.1.1.1"), "");
  assert.match(await refused("ftp://1.1.1.1/mcp", "1.1.1.1"), /must be https/);
});

Deno.test("a private address needs its host named, with the port or without, however it is written", async () => {
  for (const host of ["127.0.0.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"]) {
    assert.match(await refused(`https://${host}/mcp`), /is a private address/, host);
  }
  assert.equal(await refused("https://127.0.0.1:8443/mcp", "127.0.0.1:8443"), "");
  assert.match(await refused("https://127.0.0.1:8444/mcp", "127.0.0.1:8443"), /private address/);
  assert.equal(await refused("https://[::1]:1/mcp", "[::1]"), "");
});

Deno.test("a name is what it means: asked for with each connection", async () => {
  assert.match(await refused("https://localhost/mcp"), /is a private address/);
  assert.match(await refused("https://localhost./mcp"), /is a private address/);
  assert.equal(await refused("http://LOCALHOST:54321/mcp", "localhost"), "");
});

Deno.test("no setting opens the metadata service", async () => {
  for (const host of ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:a9fe:a9fe]"]) {
    assert.match(
      await refused(`http://${host}/latest`, host),
      /which no MCP server may have/,
      host,
    );
  }
});

Deno.test("a name that nobody knows is no address", async () => {
  await assert.rejects(checkAddress(new URL("https://no-such-host.invalid/"), new Set()));
});

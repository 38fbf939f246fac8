/**
 * The names under which OpenAI knows the tools of a worker's servers: `server__tool`, as a function's name. A tool has the
 * same name in every run, whatever else its server lists, and two tools never share one.
 */
import { sha256 } from "../../platform/digest.ts";

/** The longest function name that OpenAI accepts, in characters. */
const longest = 64;
const separator = "__";
const hashChars = 8;

/** The function name of a server's tool. */
export async function functionName(server: string, tool: string): Promise<string> {
  const plain = `${server}${separator}${tool}`;
  if (isPlain(server, tool) && plain.length <= longest) return plain;
  const hash = (await sha256(JSON.stringify([server, tool]))).slice(0, hashChars);
  const readable = plain.replaceAll(/[^\w-]+/g, "_").slice(0, longest - hashChars - 1)
    .replace(/_+$/, "");
  return `${readable}_${hash}`;
}

/**
 * The server and, if the name contains it, the tool of a function name; undefined for a name of none of these servers. For
 * callers without a list: a name that ends in a hash tells only its server.
 */
export function readName(
  labels: readonly string[],
  name: string,
): { server: string; tool: string | undefined } | undefined {
  const server = labels.find((label) => name.startsWith(label + separator));
  if (server === undefined) return undefined;
  const tool = name.slice(server.length + separator.length);
  return { server, tool: looksHashed(tool) ? undefined : tool };
}

/** Whether server and tool can be told apart in `server__tool`: only then it belongs to no other pair. */
function isPlain(server: string, tool: string): boolean {
  return /^[A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*$/.test(server) && /^[A-Za-z0-9-][\w-]*$/.test(tool) &&
    !looksHashed(tool);
}

/** A name that ends like one of ours with a hash could be mistaken for it. */
function looksHashed(tool: string): boolean {
  return new RegExp(`_[0-9a-f]{${hashChars}}$`).test(tool);
}

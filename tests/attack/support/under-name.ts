/**
 * The status of a GET at `address` (`127.0.0.1:<port>`) with another name as Host, as after DNS rebinding. Sent by hand,
 * because fetch sets Host itself.
 */
export async function statusUnderName(
  address: string,
  host: string,
  path: string,
): Promise<number> {
  const [hostname = "", port] = address.split(":");
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(request));
  const answer = await new Response(connection.readable).text();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
}

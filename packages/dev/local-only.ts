/**
 * Who may ask a server of this machine. Every page in the browser can send requests to 127.0.0.1, and a name of any site
 * can be made to resolve to it (DNS rebinding), so listening there alone keeps nobody's page out.
 */

/** The names by which this machine knows itself; a rebound name is none of them. */
const ownNames = ["127.0.0.1", "localhost", "[::1]"];

/** Why a request is refused that came under another name than this machine's own; undefined when it may pass. */
export function wrongHost(
  headers: Headers,
  port: number,
  furtherNames: readonly string[] = [],
): string | undefined {
  const host = headers.get("host");
  if ([...ownNames, ...furtherNames].some((name) => host === `${name}:${port}`)) return undefined;
  return `Only http://127.0.0.1:${port} is served here, not '${host ?? ""}'`;
}

/**
 * Why a request is refused that a page sent which this server has not served; undefined when it may pass. Another port of
 * this machine counts as another page: any program may have opened it.
 */
export function foreignPage(headers: Headers, port: number): string | undefined {
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site") ?? "none";
  const isOwn = origin === null ||
    ownNames.some((name) => origin === `http://${name}:${port}`);
  if (isOwn && (site === "same-origin" || site === "none")) return undefined;
  return "Only pages of this very address may ask here";
}

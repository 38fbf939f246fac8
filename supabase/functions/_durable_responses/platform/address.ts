/** The address of a path below a base URL. The base's own query is kept, such as Azure's `?api-version=…`. */
export function addressBelow(base: string, path: string): string {
  const address = new URL(base);
  address.pathname = address.pathname.replace(/\/+$/, "") + path;
  address.hash = "";
  return address.href;
}

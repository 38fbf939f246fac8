/** The token of an `Authorization: Bearer …` header, if it is one. */
export function bearerToken(authorization: string | null | undefined): string | undefined {
  return /^bearer\s+(\S+)$/i.exec(authorization ?? "")?.[1];
}

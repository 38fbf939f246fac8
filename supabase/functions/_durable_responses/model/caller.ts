/**
 * Who is asking: a signed-in user, who may be an operator, or a server that holds a secret key, which may act for one user
 * (`x-owner-id`).
 */
export type Caller =
  | {
    kind: "user";
    ownerId: string;
    isOperator: boolean;
    claims: Readonly<Record<string, unknown>>;
  }
  | { kind: "service"; ownerId?: string };

/** Whose jobs a caller may access, in the form that the SQL functions take. */
export type Visibility = { p_owner_id?: string; p_as_service?: true };

/**
 * Whose jobs a caller may access: a user their own, an operator (under their own name) and a server all. A server that acts
 * for a user may access what that user may, and no more.
 */
export function visibilityOf(caller: Caller): Visibility {
  if (caller.kind === "service") {
    return caller.ownerId === undefined ? { p_as_service: true } : { p_owner_id: caller.ownerId };
  }
  return { p_owner_id: caller.ownerId, ...(caller.isOperator ? { p_as_service: true } : {}) };
}

/** The owner of the caller's jobs; null for a server that acts for nobody. */
export function ownerOf(caller: Caller): string | null {
  return caller.ownerId ?? null;
}

/** Who is asking: a signed-in user, who may be an operator, or a server that holds a secret key. */
export type Caller =
  | { kind: "user"; ownerId: string; isOperator: boolean }
  | { kind: "service" };

/** Whose jobs a caller may touch, as the SQL functions take it. */
export type Visibility = { p_owner_id?: string; p_as_service?: true };

/** Whose jobs a caller may touch: a user their own, an operator (under their own name) and a server all. */
export function visibilityOf(caller: Caller): Visibility {
  if (caller.kind === "service") return { p_as_service: true };
  return { p_owner_id: caller.ownerId, ...(caller.isOperator ? { p_as_service: true } : {}) };
}

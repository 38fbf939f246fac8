/** What a tool call does to the world; see response_effect in the migrations. */
export type Effect = "none" | "idempotent" | "once";

/** Rules of a profile: `"server.tool"` or `"tool"` → effect. */
export type SideEffects = Readonly<Record<string, Effect>>;

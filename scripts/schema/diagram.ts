/** The state diagram of a job, drawn from the rows of durable_responses.transitions. */

interface Transition {
  from: string;
  to: string;
  reason: string;
}

/** @returns a Mermaid block, with a line feed at its end */
export function stateDiagram(schemas: string): string {
  const transitions = readTransitions(schemas);
  const targets = new Set(transitions.map(({ to }) => to));
  const sources = new Set(transitions.map(({ from }) => from));
  const final = [...targets].filter((status) => !sources.has(status));
  return [
    "```mermaid",
    "stateDiagram-v2",
    ...transitions.map(({ from, to, reason }) =>
      `    ${from === "new" ? "[*]" : from} --> ${to}: ${reason}`
    ),
    ...final.map((status) => `    ${status} --> [*]`),
    "```",
    "",
  ].join("\n");
}

/** The rows that 02_statuses.sql inserts. Throws when it finds none. */
export function readTransitions(schemas: string): Transition[] {
  const insert = /insert into durable_responses\.transitions[^;]*;/.exec(schemas)?.[0] ?? "";
  const rows = [
    ...insert.matchAll(/\('([a-z_]+)', '([a-z_]+)', '((?:[^']|'')*)'\)/g),
  ];
  if (rows.length === 0) {
    throw new Error("Cannot find the rows of durable_responses.transitions");
  }
  return rows.map(([, from = "", to = "", reason = ""]) => ({
    from,
    to,
    reason: reason.replaceAll("''", "'"),
  }));
}

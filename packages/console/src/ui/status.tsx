/** A job's status: its name, and a mark with its own shape, so that it can be recognized without color. */
import type { Status } from "../data/schemas.ts";

export const statusNames: Readonly<Record<Status, string>> = {
  background: "In background",
  queued: "Queued",
  running: "Running",
  awaiting_approval: "Awaits approval",
  awaiting_tool_output: "Awaits tool output",
  needs_review: "Needs review",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
};

const shapes: Readonly<Record<Status, React.ReactNode>> = {
  background: <path d="M1 6h2.5M5 6h2.5M9 6h2.5" strokeWidth="3" />,
  queued: <circle cx="6" cy="6" r="4" strokeWidth="1.6" strokeDasharray="2.1 2.1" />,
  running: <path d="M3 2l7 4-7 4z" fill="currentColor" stroke="none" />,
  awaiting_approval: <path d="M6 1v6M6 9.2v1.8" strokeWidth="2.4" />,
  awaiting_tool_output: (
    <path
      d="M10.5 3.5H4.5a3 3 0 0 0 0 6H6M4 7.2L6.3 9.5 4 11.8"
      strokeWidth="1.6"
    />
  ),
  needs_review: <path d="M6 1l5 5-5 5-5-5z" strokeWidth="1.6" />,
  completed: <circle cx="6" cy="6" r="4" fill="currentColor" stroke="none" />,
  failed: <path d="M2 2l8 8M10 2l-8 8" strokeWidth="2.2" />,
  cancelled: <path d="M1.5 6h9" strokeWidth="2" />,
};

export function StatusMark({ status }: { status: Status }) {
  return (
    <svg
      className={`mark tone-${status}`}
      viewBox="0 0 12 12"
      width="12"
      height="12"
      fill="none"
      stroke="currentColor"
      aria-hidden="true"
    >
      {shapes[status]}
    </svg>
  );
}

export function StatusLabel({ status }: { status: Status }) {
  return (
    <span className={`status tone-${status}`}>
      <StatusMark status={status} />
      {statusNames[status]}
    </span>
  );
}

import { formatDuration, useNow } from "../ui/time.ts";

/** How long a question stays open. */
export function ExpiresIn({ what, at }: { what: string; at: number | null }) {
  const now = useNow();
  const left = (at ?? now) - now;
  return (
    <p className="soft">
      {left > 0 ? `${what} expires in ${formatDuration(left)}` : `${what} has expired`}
    </p>
  );
}

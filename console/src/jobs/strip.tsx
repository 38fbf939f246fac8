/** A job's life in one small bar: what it spent its time on. */
import { type Life, PHASE_NAMES, phasesOf } from "../job/picture/phases.ts";
import { formatDuration } from "../ui/time.ts";

export function Strip({ life, now }: { life: Life; now: number }) {
  const phases = phasesOf(life, now);
  const first = phases[0]?.from ?? 0;
  const span = Math.max((phases.at(-1)?.to ?? first) - first, 1);
  const words = phases.map(({ kind, from, to }) =>
    `${PHASE_NAMES[kind]} ${formatDuration(to - from)}`
  );
  return (
    <svg
      className="strip"
      viewBox="0 0 100 10"
      preserveAspectRatio="none"
      role="img"
      aria-label={words.join(", ") || "Just accepted"}
    >
      {phases.map(({ kind, from, to, outcome }, index) => {
        const broken = outcome === "failed" || outcome === "lost";
        return (
          <rect
            key={index}
            className={`phase phase-${kind} ${broken ? "is-broken" : ""}`}
            x={((from - first) / span) * 100}
            // A millisecond of a day would be invisible; the end is what shows that it happened.
            width={Math.max(((to - from) / span) * 100, 1)}
            {...(kind === "waiting" || kind === "person"
              ? { y: 3.5, height: 3 }
              : { y: 0, height: 10 })}
          />
        );
      })}
    </svg>
  );
}

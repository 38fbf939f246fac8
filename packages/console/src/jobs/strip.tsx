/**
 * A job's life in one small bar: where its time went. It consists of two gradients, a thick one for runs and a thin one for
 * waiting, because a list has hundreds of bars and every element of a row counts while scrolling.
 */
import { type Life, type Phase, phaseNames, phasesOf } from "../job/picture/phases.ts";
import { formatDuration } from "../ui/time.ts";

/** The least share of the bar that a phase takes. */
const visibleShare = 0.012;

export function Strip({ life, now }: { life: Life; now: number }) {
  const phases = phasesOf(life, now);
  const words = phases.map(({ kind, from, to }) =>
    `${phaseNames[kind]} ${formatDuration(to - from)}`
  );
  return (
    <span
      className="strip"
      role="img"
      aria-label={words.join(", ") || "Just accepted"}
      style={{ backgroundImage: gradients(phases) }}
    />
  );
}

function gradients(phases: readonly Phase[]): string {
  const lengths = phases.map(({ from, to }) => to - from);
  const span = Math.max(lengths.reduce((total, length) => total + length, 0), 1);
  const shares = lengths.map((length) => Math.max(length / span, visibleShare));
  const whole = shares.reduce((total, share) => total + share, 0) || 1;
  const thick: string[] = [];
  const thin: string[] = [];
  let at = 0;
  phases.forEach((phase, index) => {
    const end = at + ((shares[index] ?? 0) / whole) * 100;
    const place = `${at.toFixed(1)}% ${end.toFixed(1)}%`;
    const isThick = phase.kind === "background" || phase.kind === "running";
    thick.push(`${isThick ? color(phase) : "transparent"} ${place}`);
    thin.push(`${isThick ? "transparent" : color(phase)} ${place}`);
    at = end;
  });
  return [thick, thin].map((stops) => `linear-gradient(to right, ${stops.join(", ")})`).join(", ");
}

function color({ kind, outcome }: Phase): string {
  const isBroken = kind === "running" && (outcome === "failed" || outcome === "lost");
  return isBroken ? "var(--fill-broken)" : `var(--fill-${kind})`;
}

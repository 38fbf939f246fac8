/** A job's timeline on a time axis. */
import { type CSSProperties, type ReactNode, useMemo } from "react";
import { isFinal } from "../../../../client/src/index.ts";
import type { FullJob, Step } from "../../data/schemas.ts";
import { formatDuration, useNow } from "../../ui/time.ts";
import { type Phase, type PhaseKind, phaseNames } from "./phases.ts";
import { pictureOf, type StepLine } from "./rows.ts";
import { createScale, type Scale } from "./scale.ts";

/** How many steps of one attempt are drawn. All of them are listed below the picture. */
const drawnSteps = 40;

interface Props {
  job: FullJob;
  onStep(step: Step): void;
}

export function PictureOfJob({ job, onStep }: Props) {
  const isOver = isFinal(job);
  const clock = useNow();
  const now = isOver ? job.updated_at : Math.max(clock, job.updated_at);
  const { phases, lines, events } = useMemo(() => pictureOf(job, now), [
    job,
    now,
  ]);
  const scale = useMemo(() => createScale(phases, events), [phases, events]);
  const accepted = phases[0]?.from ?? job.created_at;
  const end = phases.at(-1)?.to ?? now;
  return (
    <figure className="picture" aria-label={`Timeline, ${formatDuration(end - accepted)} in all`}>
      <Axis scale={scale} />
      <div className="line line-job">
        <span className="line-name">{isOver ? "whole job" : "so far"}</span>
        <div className="track">
          <Grid scale={scale} />
          {phases.map((phase) => (
            <PhaseBar key={`${phase.kind}${phase.from}`} phase={phase} scale={scale} />
          ))}
          {!isOver && <span className="now" style={{ left: "100%" }} />}
        </div>
        <span className="line-took">{formatDuration(end - accepted)}</span>
      </div>
      {lines.map(({ attempt, from, to, steps }) => (
        <div
          key={attempt.number}
          className="attempt-lines"
          role="group"
          aria-label={`Run ${attempt.number}`}
        >
          <div className="line line-attempt">
            <span className="line-name">
              <b>{attempt.number}</b> {attempt.mode}
            </span>
            <div className="track">
              <Grid scale={scale} />
              <span
                className={`bar phase-${
                  attempt.mode === "background" ? "background" : "running"
                } end-${attempt.outcome ?? "open"}`}
                style={span(scale, from, to)}
              />
            </div>
            <span className="line-took">
              {attempt.outcome && (
                <span className={`outcome outcome-${attempt.outcome}`}>
                  {outcomeWords[attempt.outcome]}
                </span>
              )}
              {formatDuration(to - from)}
            </span>
          </div>
          {steps.slice(0, drawnSteps).map((line) => (
            <StepBar key={line.step.number} line={line} scale={scale} onStep={onStep} />
          ))}
          {steps.length > drawnSteps && (
            <p className="soft">and {steps.length - drawnSteps} more steps, listed below</p>
          )}
        </div>
      ))}
      <Legend phases={phases} />
    </figure>
  );
}

function Axis({ scale }: { scale: Scale }) {
  return (
    <div className="line line-axis" aria-hidden="true">
      <span className="line-name" />
      <div className="track">
        {scale.ticks.map(({ x, ms }) => (
          <span key={ms} className="tick" style={{ left: `${x * 100}%` }}>
            {ms === 0 ? "accepted" : `+${formatDuration(ms)}`}
          </span>
        ))}
      </div>
      <span className="line-took" />
    </div>
  );
}

function Grid({ scale }: { scale: Scale }) {
  return (
    <>
      {scale.ticks.map(({ x, ms }) => (
        <span key={ms} className="rule" style={{ left: `${x * 100}%` }} />
      ))}
      {scale.pieces.filter(({ broken }) => broken).map(({ from, x0, x1 }) => (
        <span
          key={from}
          className="break"
          style={{ left: `${x0 * 100}%`, width: `${(x1 - x0) * 100}%` }}
        />
      ))}
    </>
  );
}

function PhaseBar({ phase, scale }: { phase: Phase; scale: Scale }) {
  const { kind, from, to, outcome } = phase;
  const piece = scale.pieces.find((one) => one.from === from && one.to === to);
  const words = `${phaseNames[kind]}, ${formatDuration(to - from)}`;
  return (
    <span
      className={`bar phase-${kind} end-${outcome ?? "open"}`}
      style={span(scale, from, to)}
      title={words}
    >
      <span className="visually-hidden">{words}.</span>
      {piece?.broken && (
        <span className="break-label" aria-hidden="true">{formatDuration(to - from)}</span>
      )}
    </span>
  );
}

function StepBar(
  { line, scale, onStep }: { line: StepLine; scale: Scale; onStep: Props["onStep"] },
) {
  const { step, name, from, to } = line;
  const took = step.kind === "mcp_approval_request" ? "" : formatDuration(to - from);
  return (
    <button
      type="button"
      className={`line line-step kind-${step.kind} step-${step.status}`}
      onClick={() => onStep(step)}
      title={`${name}: ${step.status}`}
    >
      <span className="line-name">{breakable(name)}</span>
      <span className="track">
        <Grid scale={scale} />
        <span className="bar" style={span(scale, from, to)} />
        {step.answered_at !== null && (
          <span className="answered" style={{ left: `${scale.at(step.answered_at) * 100}%` }} />
        )}
      </span>
      <span className="line-took">{took}</span>
    </button>
  );
}

/** Where it must wrap, a tool's name does so after an underscore, which a browser would not choose. */
function breakable(name: string): ReactNode[] {
  return name.split(/(?<=_)/).flatMap((part, index) =>
    index === 0 ? [part] : [<wbr key={index} />, part]
  );
}

const outcomeWords = {
  completed: "completed",
  failed: "failed",
  cancelled: "cancelled",
  lost: "worker lost",
  handed_over: "handed over",
  continued: "continued",
  suspended: "suspended",
} as const;

function Legend({ phases }: { phases: Phase[] }) {
  const kinds = [...new Set(phases.map(({ kind }) => kind))] as PhaseKind[];
  return (
    <figcaption className="legend">
      {kinds.map((kind) => (
        <span key={kind}>
          <i className={`bar phase-${kind}`} aria-hidden="true" />
          {phaseNames[kind]}
        </span>
      ))}
    </figcaption>
  );
}

function span(scale: Scale, from: number, to: number): CSSProperties {
  const left = scale.at(from);
  return { left: `${left * 100}%`, width: `${(scale.at(to) - left) * 100}%` };
}

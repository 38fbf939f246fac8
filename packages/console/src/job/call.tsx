/** A call as it would be made, or was made: complete, with invisible characters named. */
import { useMemo } from "react";
import { jsonEntries, type JsonEntry } from "../../../text/json-entries.ts";
import { visibleExactly } from "../../../text/visible.ts";
import type { Step } from "../data/schemas.ts";
import { CopyButton } from "../ui/value.tsx";

/** Nothing is folded or reformatted, because a person decides about the exact text. */
export function Call({ step }: { step: Step }) {
  const text = step.arguments ?? "{}";
  const label = visibleExactly(`${step.server_label ?? ""}.${step.tool ?? ""}`);
  const entries = useMemo(() => jsonEntries(text) ?? [], [text]);
  return (
    <div className="value call">
      <div className="value-head">
        <span className="label">{label}</span>
        <CopyButton text={text} what={label} />
      </div>
      {/* Focusable, so that it can be scrolled with the keyboard. */}
      <pre tabIndex={0} aria-label={label} role="group">
        <Marked text={text} />
      </pre>
      {entries.length > 0 && (
        <dl className="arguments" aria-label="The same, argument by argument">
          {entries.map((entry, number) => <Argument key={number} entry={entry} />)}
        </dl>
      )}
    </div>
  );
}

function Argument({ entry }: { entry: JsonEntry }) {
  return (
    <div>
      <dt>
        <Marked text={entry.name} />
        {entry.isRepeated && <mark>given more than once</mark>}
      </dt>
      <dd>
        <Marked text={entry.text ?? entry.written} />
      </dd>
    </div>
  );
}

function Marked({ text }: { text: string }) {
  return visibleExactly(text).split(/(⟨U\+[0-9A-F]+⟩)/).map((part, number) =>
    number % 2 === 1 ? <mark key={number}>{part}</mark> : part
  );
}

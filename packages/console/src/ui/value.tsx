/** Text or JSON as it came. JSON is formatted, and long values are folded. */
import { useMemo, useState } from "react";
import { visible } from "../../../text/visible.ts";

const foldedLines = 12;
/** How much is formatted, in characters: megabytes of text in one element freeze a browser. */
const shownLimit = 200_000;

interface Props {
  /** JSON as text, plain text, or a value. */
  value: unknown;
  label: string;
}

export function Value({ value, label }: Props) {
  const text = useMemo(() => layOut(value), [value]);
  const [open, setOpen] = useState(false);
  const lines = useMemo(() => breakStrings(visible(text)).split("\n"), [text]);
  const isLong = lines.length > foldedLines || text.length > 1500;
  const shown = !isLong || open
    ? lines.join("\n").slice(0, shownLimit)
    : lines.slice(0, foldedLines).join("\n").slice(0, 1500);
  return (
    <div className="value">
      <div className="value-head">
        <span className="label">{label}</span>
        <CopyButton text={text} what={label} />
      </div>
      {/* Focusable, so that it can be scrolled with the keyboard. */}
      <pre
        className={isLong && !open ? "folded" : undefined}
        tabIndex={0}
        aria-label={label}
        role="group"
      >
        {shown}
      </pre>
      {isLong && (
        <button
          type="button"
          className="fold"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          {open ? "Fold" : `Show all ${lines.length} lines`}
        </button>
      )}
    </div>
  );
}

function layOut(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value, null, 2);
  if (!/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch (error) {
    // It only looked like JSON, and is shown as it came.
    if (error instanceof SyntaxError) return value;
    throw error;
  }
}

/** Shows line breaks inside strings as line breaks, so that people can read the email that would be sent. */
function breakStrings(text: string): string {
  return text.split("\n").map((line) => {
    const indent = " ".repeat(line.search(/\S|$/) + 2);
    return line.replaceAll(/(?<!\\)((?:\\\\)*)\\n/g, `$1\n${indent}`);
  }).join("\n");
}

export function CopyButton({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <button
      type="button"
      className="copy"
      aria-label={`Copy ${what}`}
      onClick={() => void copy()}
    >
      {copied ? "Copied" : "Copy"}
    </button>
  );
}

/** The look of the timeline, the same in the terminal and the picture. */
import type { Actor, Tone } from "./line.ts";

export type Color = "red" | "green" | "yellow" | "blue" | "magenta" | "cyan" | "gray";

interface Look {
  glyph: string;
  color: Color;
}

export const tones: Readonly<Record<Tone, Look>> = {
  sent: { glyph: "→", color: "cyan" },
  got: { glyph: "←", color: "cyan" },
  good: { glyph: "✓", color: "green" },
  bad: { glyph: "✗", color: "red" },
  wait: { glyph: "◌", color: "yellow" },
  wake: { glyph: "▸", color: "magenta" },
  tool: { glyph: "◆", color: "blue" },
  note: { glyph: "·", color: "gray" },
};

/** Width of the column of actors. */
export const actorWidth = "openai-webhook".length;

/** Elapsed time in a column of eight: `  0.04 s`. */
export function elapsed(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`.padStart(8);
}

/** The actor's name in its column. */
export function actorCell(actor: Actor): string {
  return actor.padEnd(actorWidth);
}

/** Breaks a text at spaces into lines of at most `width`. Longer words stay whole, and its own line breaks stay. */
export function wrap(text: string, width: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    let current = "";
    for (const word of paragraph.split(" ")) {
      if (current !== "" && current.length + 1 + word.length > width) {
        lines.push(current);
        current = word;
      } else {
        current = current === "" ? word : `${current} ${word}`;
      }
    }
    return [...lines, current];
  });
}

/** A text in at most `lines` lines. The rest is cut off. */
export function fit(text: string, width: number, lines: number): string[] {
  const all = wrap(text.replace(/\s+/g, " ").trim(), width);
  const kept = all.slice(0, lines - 1);
  const rest = all.slice(lines - 1).join(" ");
  return (rest === "" ? kept : [...kept, rest]).map((line) => clip(line, width));
}

function clip(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(width - 1, 0))}…`;
}

/** Elapsed time, glyph, actor and the spaces between them. */
export const margin = 8 + 2 + 1 + 2 + actorWidth + 2;

/** Terminal output as an SVG that looks like a terminal. */
import { visible } from "../../../packages/text/visible.ts";

const fontSize = 13;
/** A column of a monospace font. Each piece of text is placed by its column, so that no font can shift it. */
const columnWidth = fontSize * 0.602;
const lineHeight = 19;
const padding = 18;
const bar = 34;
const fonts = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

const foreground = "#d7dce2";
/** The ANSI codes that the demo's terminal writes. */
const styles: Readonly<Record<string, string>> = {
  "1": `fill="#ffffff" font-weight="600"`,
  "31": `fill="#ff7b72"`,
  "32": `fill="#56d364"`,
  "33": `fill="#e3b341"`,
  "34": `fill="#79c0ff"`,
  "35": `fill="#d2a8ff"`,
  "36": `fill="#39c5cf"`,
  "90": `fill="#8b949e"`,
};
// deno-lint-ignore no-control-regex
const painted = /\x1b\[(\d+)m(.*?)\x1b\[0m/g;

/** Draws lines with ANSI colors in a window with a title. */
export function drawTerminal(title: string, columns: number, lines: readonly string[]): string {
  const trimmed = lines.slice(lines.findIndex((line) => line !== ""));
  const width = Math.ceil(columns * columnWidth + 2 * padding);
  const height = bar + padding + trimmed.length * lineHeight + padding / 2;
  const dots = ["#ff5f57", "#febc2e", "#28c840"]
    .map((fill, n) => `<circle cx="${padding + n * 18}" cy="${bar / 2}" r="5.5" fill="${fill}"/>`);
  const texts = trimmed.map((line, n) => drawLine(line, bar + padding + n * lineHeight));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${
      escape(title)
    }">`,
    `<rect width="${width}" height="${height}" rx="10" fill="#0d1117"/>`,
    `<path d="M0 ${bar}V10a10 10 0 0 1 10-10H${
      width - 10
    }a10 10 0 0 1 10 10V${bar}z" fill="#1c2128"/>`,
    ...dots,
    `<g font-family="${fonts}" font-size="${fontSize}" fill="${foreground}" xml:space="preserve">`,
    `<text x="${width / 2}" y="${bar / 2 + 4}" text-anchor="middle" fill="#8b949e">${
      escape(title)
    }</text>`,
    ...texts.filter((text) => text !== ""),
    "</g>",
    "</svg>",
    "",
  ].join("\n");
}

function drawLine(line: string, y: number): string {
  const spans: string[] = [];
  let column = 0;
  const add = (text: string, style = "") => {
    const start = text.length - text.trimStart().length;
    if (text.trim() !== "") {
      const x = (padding + (column + start) * columnWidth).toFixed(1);
      spans.push(`<tspan x="${x}" ${style}>${escape(text.trim())}</tspan>`);
    }
    column += text.length;
  };
  let end = 0;
  for (const match of line.matchAll(painted)) {
    add(line.slice(end, match.index));
    add(match[2] ?? "", styles[match[1] ?? ""]);
    end = match.index + match[0].length;
  }
  add(line.slice(end));
  return spans.length === 0 ? "" : `<text y="${y}">${spans.join("")}</text>`;
}

function escape(text: string): string {
  // XML allows no control characters, not even as entities.
  return visible(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

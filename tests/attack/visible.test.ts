/** Text from others in a terminal, in a picture, and where a person decides. */
import assert from "node:assert/strict";
import { drawTerminal } from "../../scripts/demo/picture/svg.ts";
import { jsonEntries } from "../../packages/text/json-entries.ts";
import { forTerminal, painted } from "../../packages/text/paint.ts";
import { visible, visibleExactly, visibleJson } from "../../packages/text/visible.ts";

/** Clears the screen, sets the title, puts something on the clipboard, conceals; the 8-bit forms; a lone line start. */
const sequences = [
  "\x1b[2J",
  "\x1b]0;owned\x07",
  "\x1b]52;c;cm0gLXJmIC8=\x07",
  "\x1b[8m",
  "\x9b2J",
  "\x9d0;owned\x9c",
  "ok\rFAILED",
  "\b\b\b",
  "\x7f",
];
const reversing = ["\u202e", "\u202d", "\u202a", "\u2066", "\u2067", "\u2068", "\u200f", "\u061c"];
// deno-lint-ignore no-control-regex
const acts = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

for (const text of [...sequences, ...reversing]) {
  Deno.test(`${JSON.stringify(visibleJson(text))} acts nowhere`, () => {
    for (const show of [visible, visibleExactly, visibleJson, forTerminal]) {
      assert.doesNotMatch(show(`a${text}b`), acts);
    }
    assert.equal(JSON.parse(visibleJson(text)), text);
    assert.doesNotMatch(drawTerminal("demo", 80, [`a${text}b`]).replaceAll("\n", ""), acts);
  });
}

Deno.test("what would act is named, and the rest stays as it is", () => {
  assert.equal(visible("pay \u202emoc.example"), "pay ⟨U+202E⟩moc.example");
  const plain = "Grüße, 你好, שלום, 👩‍👩‍👧 👍🏽\n\tend\r\n";
  assert.equal(visible(plain), plain.replace("\r", ""));
});

Deno.test("only our colors act on a terminal, also around a text that brings its own", () => {
  assert.equal(forTerminal(painted("a\x1b[8mb", 31, 39)), "\x1b[31ma⟨U+001B⟩[8mb\x1b[39m");
  assert.equal(forTerminal(`${painted("x", 1, 22)}\x1b[2J`), "\x1b[1mx\x1b[22m⟨U+001B⟩[2J");
});

Deno.test("where a person decides, nothing is unseen", () => {
  const twins = ["a@b.example", "a@b\u200b.example", "a@b\u00ad.example", "a\ufeff@b.example"];
  const blanks = ["a b", "a\u00a0b", "a\u2003b", "a\u3164b", "a\u{e0041}b", "a\ufe0fb", "a\r\nb"];
  for (const texts of [twins, blanks]) {
    const shown = texts.map(visibleExactly);
    assert.equal(new Set(shown).size, texts.length);
    for (const [number, text] of shown.entries()) {
      assert.ok(number === 0 || text.includes("⟨U+"), text);
    }
  }
});

Deno.test("arguments keep every digit, and a name that comes twice stands there twice", () => {
  const text =
    ' {"amount": 90071992547409931, "to":"a@b.example", "to" : "c@d.example","x":{"to":[1,{"y":"},"}]}, "q\\"t": 1.50}';
  assert.deepEqual(jsonEntries(text), [
    { name: "amount", written: "90071992547409931", text: undefined, isRepeated: false },
    { name: "to", written: '"a@b.example"', text: "a@b.example", isRepeated: true },
    { name: "to", written: '"c@d.example"', text: "c@d.example", isRepeated: true },
    { name: "x", written: '{"to":[1,{"y":"},"}]}', text: undefined, isRepeated: false },
    { name: 'q"t', written: "1.50", text: undefined, isRepeated: false },
  ]);
  assert.deepEqual(jsonEntries("{}"), []);
  for (const other of ["[1]", "null", "7", '{"a":', ""]) {
    assert.equal(jsonEntries(other), undefined);
  }
});

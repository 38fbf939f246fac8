/** Words that say nothing about which email is meant. */
const filler = new Set(
  ("a an and about any answer any are asking ask at by can check confirm could do email emails find for from gmail her him his i in inbox is " +
    "it its last latest let look mail mails me message messages my of on one our please read reply respond search send tell thank thanks " +
    "that the their them then there they this to up us was we with write you your it's i'll i'm we'll will if whether know new newest")
    .split(" "),
);

/** Whether a query is about email. */
export function isAboutMail(query: string): boolean {
  return /\b(e-?mails?|mails?|inbox|gmail|repl(y|ies)|invoice|message from|wr(ite|ote))\b/i.test(
    query,
  );
}

/** Whether a query wants something written back. */
export function wantsReply(query: string): boolean {
  return /\b(reply|replies|respond|answer|write back|tell (him|her|them)|thank|send)\b/i.test(
    query,
  );
}

/** Search words for the email that a query means: what it says before it comes to the reply. */
export function searchWords(query: string): string {
  const about =
    query.split(/\b(?:and|then)\s+(?:reply|respond|answer|tell|write|send|thank)\b/i)[0] ??
      query;
  const quoted = /["“]([^"”]+)["”]/.exec(about)?.[1];
  if (quoted !== undefined) return quoted;
  const words = (about.match(/[\p{L}\p{N}@.'-]+/gu) ?? []).map((word) =>
    word.replace(/[.'-]+$/, "")
  );
  const telling = words.filter((word) => word.length > 1 && !filler.has(word.toLowerCase()));
  return telling.length === 0 ? "in:inbox" : telling.join(" ");
}

/** A colon; "reply that …"; "tell them" before what can only be the message itself. */
const wishes = [
  /\b(?:reply|respond|answer|tell|write back|say)\b.*?:\s+(\S.*)$/is,
  /\b(?:reply|respond|answer|tell|write back|say|saying)\b(?:\s+(?:to\s+)?(?:it|him|her|them))?\s+(?:that|with|saying)\s+(.+)$/is,
  /\b(?:reply|tell|saying|say)\b(?:\s+(?:to\s+)?(?:it|him|her|them))?\s+((?:we|i|i'll|we'll|yes|no|thanks?|sorry)\b.*)$/is,
];

/** What a query wants said in the reply, if it says so. */
export function replyWish(query: string): string | undefined {
  for (const wish of wishes) {
    const said = wish.exec(query)?.[1]?.trim().replace(/^["“]|["”]$/g, "");
    if (said !== undefined && said !== "") return said;
  }
  return undefined;
}

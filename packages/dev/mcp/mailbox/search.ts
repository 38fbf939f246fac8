import type { Email } from "./emails.ts";

/** Weight of a term by where it is found: a hit in the sender or subject says more than one in the body. */
const weights = { from: 3, subject: 2, body: 1 };

/**
 * Emails that fit a Gmail-like query, best first, at most `limit`.
 * Understands plain words, "quoted words", `from:` and `subject:`; a word may match anywhere.
 */
export function searchEmails(emails: readonly Email[], query: string, limit = 5): Email[] {
  const terms = query.toLowerCase().match(/(?:from:|subject:)?"[^"]+"|[^\s"]+/g) ?? [];
  return emails
    .map((email) => ({ email, score: terms.reduce((sum, term) => sum + score(email, term), 0) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || b.email.date.localeCompare(a.email.date))
    .slice(0, limit)
    .map(({ email }) => email);
}

function score(email: Email, rawTerm: string): number {
  const [, field, quoted] = /^(from:|subject:)?(.*)$/.exec(rawTerm) ?? [];
  const term = (quoted ?? "").replaceAll('"', "").replace(/[.,!?]+$/, "");
  if (term.length < 2) return 0;
  const sender = `${email.from.name} ${email.from.address}`.toLowerCase();
  const inSender = sender.includes(term) ? weights.from : 0;
  const inSubject = email.subject.toLowerCase().includes(term) ? weights.subject : 0;
  if (field === "from:") return inSender;
  if (field === "subject:") return inSubject;
  return inSender + inSubject + (email.body.toLowerCase().includes(term) ? weights.body : 0);
}

import type { Email } from "./emails.ts";

/** Emails with words of the query, those with most of them first, then the newest; at most `limit`. */
export function searchEmails(emails: readonly Email[], query: string, limit = 5): Email[] {
  const words = query.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? [];
  const hits = ({ from, subject, body }: Email) => {
    const text = `${from.name} ${from.address} ${subject} ${body}`.toLowerCase();
    return words.filter((word) => text.includes(word)).length;
  };
  return emails.filter((email) => hits(email) > 0)
    .sort((a, b) => hits(b) - hits(a) || b.date.localeCompare(a.date)).slice(0, limit);
}

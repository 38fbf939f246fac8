/** One email of the mailbox. `date` is ISO 8601. */
export interface Email {
  message_id: string;
  thread_id: string;
  from: { name: string; address: string };
  to: string;
  subject: string;
  date: string;
  body: string;
}

/** The address whose mailbox this is. */
export const owner = "sam@brightfield.example";

/** The emails that a fresh mailbox holds: enough that a search must choose. */
export const seedEmails: readonly Email[] = [
  {
    message_id: "msg-1041",
    thread_id: "thr-301",
    from: { name: "Nora Lind", address: "nora.lind@halden-print.example" },
    to: owner,
    subject: "Invoice 2041 is two weeks overdue",
    date: "2026-11-20T08:14:00Z",
    body:
      "Hi Sam,\n\nInvoice 2041 (EUR 1,280.00) was due on 6 November and we have not seen the payment yet. " +
      "Could you tell me when we can expect it?\n\nBest regards,\nNora Lind\nHalden Print",
  },
  {
    message_id: "msg-1042",
    thread_id: "thr-302",
    from: { name: "Tomás Ferreira", address: "tomas@riverside-labs.example" },
    to: owner,
    subject: "Kick-off meeting: Tuesday or Thursday?",
    date: "2026-11-21T15:40:00Z",
    body: "Hello Sam,\n\nfor the kick-off meeting we can offer Tuesday 10:00 or Thursday 14:00. " +
      "Which one suits your team better?\n\nTomás",
  },
  {
    message_id: "msg-1043",
    thread_id: "thr-303",
    from: { name: "Grace Okafor", address: "grace.okafor@mayfair-travel.example" },
    to: owner,
    subject: "Your booking to Lisbon: passport number missing",
    date: "2026-11-19T10:05:00Z",
    body:
      "Dear Sam,\n\nthe airline still needs a passport number for your flight to Lisbon on 3 December " +
      "(booking LX-88213). Please send it by Friday.\n\nGrace Okafor\nMayfair Travel",
  },
  {
    message_id: "msg-1044",
    thread_id: "thr-304",
    from: { name: "Jun Watanabe", address: "jun@brightfield.example" },
    to: owner,
    subject: "Q4 report: numbers for the board",
    date: "2026-11-22T09:30:00Z",
    body:
      "Sam, the draft of the Q4 report is in the shared folder. Revenue is up 14%, churn down to 2.1%. " +
      "Can you confirm the numbers before Wednesday's board meeting?\n\nJun",
  },
  {
    message_id: "msg-1045",
    thread_id: "thr-305",
    from: { name: "Helpdesk", address: "helpdesk@brightfield.example" },
    to: owner,
    subject: "Ticket 5512: laptop replacement approved",
    date: "2026-11-18T12:00:00Z",
    body: "Your laptop replacement has been approved. Pick it up at the front desk from Monday on.",
  },
];

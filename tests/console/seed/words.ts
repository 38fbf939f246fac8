/** Generated queries and answers. */

/** Queries for the mailbox, with their answers. */
export const mailWords = [
  [
    "Find the latest email about the invoice and reply that it will be paid on Friday",
    "I found “Invoice 2231, second reminder” from Halden Paper (9 November) and replied that it will be paid on Friday. Nothing else in the thread was open.",
  ],
  [
    "Answer Marta's question about the delivery date: the pallets leave Rotterdam on Tuesday",
    "I answered Marta in the existing thread: the pallets leave Rotterdam on Tuesday. She had also asked for the CMR number, which I could not find.",
  ],
  [
    "Look for anything from the tax office since Monday and tell me what they want",
    "There are two messages. One confirms receipt of your VAT return; the other asks for the depreciation schedule by 1 December. I have replied to neither.",
  ],
  [
    "Tell the hotel in Lyon that we arrive after 22:00 and need a late check-in",
    "I told Hôtel des Célestins that you arrive after 22:00. Their night desk closes at 23:30, so call them if the train is late.",
  ],
  [
    "Has Priya confirmed the workshop? If not, remind her politely",
    "She had not. I reminded her in the thread of 3 November, with the two dates that are still free.",
  ],
  [
    "Reply to the three oldest unanswered support mails with the status page link",
    "All three have the link now. The oldest, from Kestrel Dental, had waited for four days; I apologised for that.",
  ],
  [
    "Decline the podcast invitation, kindly, and suggest Ana instead",
    "I thanked them, said that you cannot make it this season, and suggested Ana, with her address in copy.",
  ],
  [
    "Ask accounting whether order 20931 has been credited twice",
    "I asked accounting, with the two credit notes of 4 and 11 November attached, since both name order 20931.",
  ],
  [
    "Forward the signed lease to the notary with a short cover note",
    "The lease that came back signed on 17 November is with the notary, with a note of two sentences.",
  ],
] as const;

export const plainQueries = [
  "What is the difference between a lease and a lock in a job queue?",
  "Summarize the meeting notes of 12 November in five sentences",
  "Explain to a new colleague why background runs can fail after tools have run",
  "Give me three names for a newsletter about railway timetables",
  "Which of these two clauses is stricter, and why?",
  "Write the release note for version 0.4 from this list of changes",
  "Translate the attached safety notice into Portuguese, formal register",
  "Estimate the monthly token cost of 40,000 short triage requests",
] as const;

export const triageQueries = [
  "My card was charged twice for the October plan and nobody answers",
  "The export button does nothing since yesterday's update",
  "Do you offer a discount for schools? We are 40 teachers",
  "I cannot sign in on my new phone, the code never arrives",
  "Please delete my account and everything stored about me",
] as const;

export const plainAnswers = [
  "A lock lasts until somebody lets go of it; a lease ends by itself. A worker that dies with a lock blocks the job for ever, one that dies with a lease delays it by what was left of the lease.",
  "The team agreed to move the launch to January, to keep the old importer until March, and to let support choose the wording of the migration mail. Two points stay open: pricing for schools, and who owns the status page.",
  "Background mode runs at OpenAI. Its tools are called from there, so they may have done their work by the time the run itself fails. Whoever runs it again must first read what was already done.",
] as const;

export const failures = [
  [
    "openai_policy",
    "Cannot answer: the request was refused by OpenAI's usage policies",
    "Change the query; a retry of the same text is refused again",
  ],
  [
    "openai_auth_failed",
    "Cannot use OpenAI: the API key was rejected (401)",
    "Set OPENAI_API_KEY to a valid key, then retry the job",
  ],
  [
    "tools_unavailable",
    "Cannot list the tools of 'mailbox': the server answered 502 five times",
    "Check that the MCP server is up and reachable from the internet, then retry the job",
  ],
  [
    "budget_exceeded",
    "Cannot finish within a worker's life: two full lives passed without a finished step",
    "Run a worker off the platform (npm run worker), or split the query",
  ],
] as const;

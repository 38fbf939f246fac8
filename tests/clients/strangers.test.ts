/** Callers who may not ask, or who ask for what is not theirs, get the same with each library. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { sharedClients } from "./support/clients.ts";
import { libraries } from "./support/libraries.ts";

const theClients = sharedClients();
const question = "Reply to the invoice mail";

/** The HTTP status of a refusal, which each library names differently. */
async function statusOf(act: Promise<unknown>): Promise<unknown> {
  return await act.then(() => 200, (error) => {
    const { status, statusCode } = Object(error);
    return status ?? statusCode ?? String(error);
  });
}

for (const { name, ask } of libraries) {
  Deno.test(`${name}: a publishable key and a stale token are refused, once, and nothing is made`, async () => {
    const person = await theClients.newPerson();
    const { proxy, test } = theClients();
    for (const apiKey of [test.stack.publishableKey, person.staleKey]) {
      const before = proxy.requests;
      assert.equal(await statusOf(ask({ ...person, apiKey }, "mail", question)), 401);
      assert.equal(proxy.requests - before, 1);
    }
    await person.made({ jobs: 0 });
  });

  Deno.test(`${name}: another user's response is not found, and nothing is made`, async () => {
    const [person, other] = [await theClients.newPerson(), await theClients.newPerson()];
    await ask(person, "open", "Hi");
    const id = await person.lastId();
    assert.ok(id);
    assert.equal(await statusOf(ask(other, "open", "And then?", id)), 400);
    await other.made({ jobs: 0 });
    assert.equal(await statusOf(ask(person, "open", "And then?", id)), 200);
  });

  Deno.test(`${name}: two users who ask the same at once have a job and a mail each`, async () => {
    const [person, other] = [await theClients.newPerson(), await theClients.newPerson()];
    const { mailbox } = theClients().test.stack;
    const before = mailbox.sent.length;
    await Promise.all([person, other].map((one) => ask(one, "mail", question)));
    assert.deepEqual([await person.jobs(), await other.jobs()], [1, 1]);
    await eventually("both mails", () => mailbox.sent.length - before, (mails) => mails === 2);
  });
}

/** A test with its own database and state machine. */
import { startTestDatabase, type TestDatabase, withDatabase } from "./database.ts";
import { type Machine, startMachine } from "./machine.ts";

let kept: TestDatabase | undefined;
let registered = false;

/** Registers a test that gets a fresh database with the migrations applied. The file's tests share one cluster. */
export function sqlTest(name: string, run: (machine: Machine) => Promise<void>): void {
  keepCluster();
  Deno.test(name, () => withDatabase((db) => run(startMachine(db))));
}

// The cluster ends with its last database, so one is kept until the file's last test has ended.
function keepCluster(): void {
  if (registered) return;
  registered = true;
  Deno.test.beforeAll(async () => {
    kept = await startTestDatabase();
  });
  Deno.test.afterAll(async () => {
    await kept?.stop();
  });
}

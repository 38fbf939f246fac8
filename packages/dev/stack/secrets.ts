/** Secrets that a stack makes up when it starts. */

export interface StackSecrets {
  openaiApiKey: string;
  webhookSecret: string;
  workerSecret: string;
  mailboxToken: string;
}

export function createSecrets(): StackSecrets {
  return {
    openaiApiKey: `sk-local-${randomHex()}`,
    webhookSecret: `whsec_${crypto.getRandomValues(new Uint8Array(24)).toBase64()}`,
    workerSecret: randomHex(),
    mailboxToken: randomHex(),
  };
}

function randomHex(): string {
  return crypto.getRandomValues(new Uint8Array(24)).toHex();
}

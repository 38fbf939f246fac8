/** Who is joined to what, and handing a message to all of them. */

export interface Message {
  id: string;
  topic: string;
  private: boolean;
  event: string;
  payload: unknown;
}

export interface Member {
  /** Called with a message of a topic that it joined. */
  deliver(message: Message): void;
}

/** A private topic and a public one of the same name have nothing to do with each other. */
export class Topics {
  readonly #members = new Map<string, Set<Member>>();

  /** @param isLost says which messages never arrive */
  constructor(private readonly isLost: (message: Message) => boolean) {}

  join(topic: string, isPrivate: boolean, member: Member): void {
    const key = keyOf(topic, isPrivate);
    const members = this.#members.get(key) ?? new Set();
    this.#members.set(key, members.add(member));
  }

  leave(topic: string, isPrivate: boolean, member: Member): void {
    const key = keyOf(topic, isPrivate);
    const members = this.#members.get(key);
    members?.delete(member);
    if (members?.size === 0) this.#members.delete(key);
  }

  send(message: Message, except?: Member): void {
    if (this.isLost(message)) return;
    for (const member of this.#members.get(keyOf(message.topic, message.private)) ?? []) {
      if (member !== except) member.deliver(message);
    }
  }

  /** How many are joined. */
  count(topic: string, isPrivate: boolean): number {
    return this.#members.get(keyOf(topic, isPrivate))?.size ?? 0;
  }
}

function keyOf(topic: string, isPrivate: boolean): string {
  return `${isPrivate ? "private" : "public"}:${topic}`;
}

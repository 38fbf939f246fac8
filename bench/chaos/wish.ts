/** What somebody asked for, as whoever asked knows it: the verdict is found without asking the database what was meant. */
export interface Wish {
  /** The job, and then each retry of it. */
  ids: string[];
  /** What its email carries. */
  mark: string;
  /** Whether its plan sends an email. */
  sends: boolean;
  /** Whether a person had to allow the email, and did. */
  approval: "not needed" | "given" | "withheld";
  /** Somebody asked to cancel it, or answered that it shall end. */
  cancelled: boolean;
  /** Its owner was deleted. */
  deleted: boolean;
}

/** A wish that nobody has touched since. */
export function newWish(wish: Pick<Wish, "ids" | "mark" | "sends">): Wish {
  return { ...wish, approval: "not needed", cancelled: false, deleted: false };
}

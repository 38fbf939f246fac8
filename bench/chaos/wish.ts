/** What a user asked for, as the user knows it, so that the verdict does not depend on the database. */
export interface Wish {
  /** The job, and then each retry of it. */
  ids: string[];
  /** The mark that its email contains. */
  mark: string;
  /** Whether its plan sends an email. */
  sends: boolean;
  /** Whether a person had to approve the email, and did. */
  approval: "not needed" | "given" | "withheld";
  /** Somebody cancelled it, or answered that it should end. */
  cancelled: boolean;
  /** Its owner was deleted. */
  deleted: boolean;
}

/** A wish that nobody has changed yet. */
export function newWish(wish: Pick<Wish, "ids" | "mark" | "sends">): Wish {
  return { ...wish, approval: "not needed", cancelled: false, deleted: false };
}

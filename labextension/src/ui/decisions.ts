/** A decision that is asked for with its reason, which the audit trail keeps. */
export interface Decision {
  title: string;
  question: string;
  /** What the button says that goes on. */
  action: string;
  warn?: boolean;
}

/** The reason that the user gave, maybe empty; null where they went back. */
export type Decide = (decision: Decision) => Promise<string | null>;

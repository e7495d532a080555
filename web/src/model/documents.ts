// The documents of a specification, in the order in which they are read.

export const DOCUMENTS = ["requirements", "design", "tasks"] as const;
export type DocumentName = (typeof DOCUMENTS)[number];

export const DOCUMENT_LABELS: Record<DocumentName, string> = {
  requirements: "Requirements",
  design: "Design",
  tasks: "Plan",
};

/** A place in the documents. */
export interface DocumentPlace {
  document: DocumentName;
  line: number | undefined;
}

/** Bounds of a story, each with its reason: whatever comes from outside is refused before it costs more than it is worth. */

/** A story of ten thousand steps written out is about this long. */
export const MAX_FILE_CHARS = 1024 * 1024;
/** One include for every bank and every chapter, and room beside. */
export const MAX_FILES = 64;
/** The deepest word of the language stands at some twelve; loops within loops within loops still fit. */
export const MAX_DEPTH = 32;
/** Values of all documents together, and of all steps that loops make of them: what a heap holds with ease. */
export const MAX_VALUES = 1_000_000;
/** Steps after loops are unrolled. Thousands of payments are one `payments` step. */
export const MAX_STEPS = 10_000;
/** People and crowds together: every customer of a large bank's town. */
export const MAX_PEOPLE = 200_000;
/** Of one `payments` step: ten of them are a country's busy day. */
export const MAX_PAYMENTS = 1_000_000;
/** Payees of one `bulk` step. */
export const MAX_BULK = 100_000;
/** A paragraph. */
export const MAX_TEXT_CHARS = 2_000;
export const MAX_VARIABLES = 1_000;
/** A century, in milliseconds: beyond it nobody waits. */
export const MAX_DURATION_MS = 100 * 365 * 86_400_000;

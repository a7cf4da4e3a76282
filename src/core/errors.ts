/**
 * Every failure a caller can meet. Codes are part of the API: they are the same in the page, across the worker
 * boundary and on the command line. Add a code only for a failure that asks the caller for a different reaction.
 */
export const ERROR_CODES = [
  // what the caller asked for
  "usage",
  "unknown-command",
  "invalid-options",
  "unknown-recipe",
  "prompt-empty",
  "prompt-too-long",
  "no-gaps",
  // bundles and checkpoints
  "not-found",
  "download-failed",
  "source-blocked",
  "source-changed",
  "manifest-invalid",
  "manifest-version",
  "checksum-mismatch",
  "file-truncated",
  "graph-mismatch",
  "golden-mismatch",
  "tokenizer-invalid",
  "variant-missing",
  "filter-missing",
  "checkpoint-invalid",
  "checkpoint-unsupported",
  "golden-invalid",
  "trace-invalid",
  // the machine
  "webgpu-unavailable",
  "backend-unavailable",
  "device-lost",
  "out-of-memory",
  "storage-failed",
  "write-failed",
  // running
  "aborted",
  "busy",
  "disposed",
  "internal",
] as const;

/** What went wrong, from a closed list; codes are part of the interface. */
export type UnmaskErrorCode = (typeof ERROR_CODES)[number];

/** The facts of an error: sizes, names, limits. */
export type ErrorDetail = Readonly<Record<string, string | number | boolean>>;

/** The one error class. `message` is a sentence for people; `detail` holds the facts for programs. */
export class UnmaskError extends Error {
  override readonly name = "UnmaskError";
  readonly code: UnmaskErrorCode;
  readonly detail: ErrorDetail;

  constructor(
    code: UnmaskErrorCode,
    message: string,
    options: { readonly detail?: ErrorDetail; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail ?? {};
  }
}

/** True for an {@link UnmaskError} of any realm; checks the name because errors cross threads. */
export function isUnmaskError(value: unknown): value is UnmaskError {
  return value instanceof Error && value.name === "UnmaskError" && "code" in value;
}

/** Wraps anything thrown in an {@link UnmaskError}; errors that already are one pass unchanged. */
export function toUnmaskError(value: unknown, code: UnmaskErrorCode = "internal"): UnmaskError {
  if (isUnmaskError(value)) return value;
  const message = value instanceof Error ? value.message : String(value);
  return new UnmaskError(code, message, { cause: value });
}

/** Closes a switch over a discriminated union: reaching it is a compile error, and a typed error at run time. */
export function assertNever(value: never): never {
  throw new UnmaskError("internal", `Unexpected value: ${JSON.stringify(value)}`);
}

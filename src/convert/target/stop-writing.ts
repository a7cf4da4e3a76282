import { isUnmaskError, UnmaskError } from "../../core/errors.ts";
import type { CheckpointFolder } from "../checkpoint/byte-source.ts";
import type { BundleTarget } from "./bundle-target.ts";

/**
 * Ends a bundle that failed: what is done stays for a later run when the source is far away and the failure may pass,
 * and is removed otherwise.
 */
export async function stopWriting(
  error: unknown,
  { remote }: Pick<CheckpointFolder, "remote">,
  target: BundleTarget,
): Promise<never> {
  if (mayPass(error) && remote === true && (await target.leave())) throw worthGoingOn(error);
  await target.discard();
  throw error;
}

function mayPass(error: unknown): error is UnmaskError {
  return isUnmaskError(error) && (error.code === "aborted" || error.code === "download-failed");
}

function worthGoingOn({ code, message, detail, cause }: UnmaskError): UnmaskError {
  const advice = "What is done is kept: the same conversion goes on from there.";
  return new UnmaskError(code, `${message} ${advice}`, { detail, cause });
}

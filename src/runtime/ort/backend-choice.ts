import type { BackendKind } from "../../protocol.ts";

/** Where a model will run. `device` belongs to whoever asked. */
export interface BackendChoice {
  readonly kind: BackendKind;
  readonly device?: GPUDevice;
  /** The device computes in f16. */
  readonly half: boolean;
  readonly threads: number;
  /** One sentence for people. */
  readonly reason: string;
}

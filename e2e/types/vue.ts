import type {} from "unmask/element/vue";
import type { GlobalComponents } from "vue";

/** What a Vue template accepts on the element. Compiled, never run. */
type Sheet = InstanceType<GlobalComponents["unmask-text"]>;
type Props = Sheet["$props"];

export const props: Props = {
  class: "sheet",
  model: "models/default/",
  prompt: "Lily found a [[5]].",
  seed: 7,
  controls: true,
  trace: undefined,
};
// @ts-expect-error: attributes are text, numbers and flags
export const wrong: Props = { model: 7 };

export function listen(sheet: Sheet): void {
  sheet.addEventListener("unmask-step", ({ detail }) => detail.masksLeft.toFixed());
  void sheet.infill();
  // @ts-expect-error: there is no such method
  void sheet.fill();
}

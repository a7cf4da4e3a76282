import type { EmitFn, HTMLAttributes } from "vue";
import type { UnmaskTextElement } from "./element.ts";
import type { UnmaskTextEventMap } from "./events.ts";
import type { UnmaskTextProps } from "./props.ts";

type Emits = { [K in keyof UnmaskTextEventMap]: (event: UnmaskTextEventMap[K]) => void };

/** `<unmask-text>` as a Vue template sees it; an element has neither `$props` nor `$emit`. */
export type UnmaskTextVue = new () => UnmaskTextElement & {
  $props: HTMLAttributes & UnmaskTextProps;
  $emit: EmitFn<Emits>;
};

// Types only. Templates need `compilerOptions.isCustomElement` (docs/embed.md).
declare module "vue" {
  interface GlobalComponents {
    "unmask-text": UnmaskTextVue;
  }
}

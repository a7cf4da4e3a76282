import type { EmitFn, HTMLAttributes } from "vue";
import type { UnmaskTextElement } from "./element.ts";
import type { UnmaskTextEventMap } from "./events.ts";
import type { UnmaskTextProps } from "./props.ts";

type Emits = { [K in keyof UnmaskTextEventMap]: (event: UnmaskTextEventMap[K]) => void };

// Types only. Templates need `compilerOptions.isCustomElement`, which docs/embed.md shows.
declare module "vue" {
  interface GlobalComponents {
    "unmask-text": new () => UnmaskTextElement & {
      /** @deprecated Only for templates: nothing of an element. */
      $props: HTMLAttributes & UnmaskTextProps;
      /** @deprecated Only for templates: nothing of an element. */
      $emit: EmitFn<Emits>;
    };
  }
}

import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type { UnmaskTextElement } from "./element.ts";
import type { UnmaskTextProps } from "./props.ts";

/** Props of `<unmask-text>` in React. */
export type UnmaskTextReact = DetailedHTMLProps<HTMLAttributes<UnmaskTextElement>, UnmaskTextElement> &
  UnmaskTextProps;

// Types only. React 19 sets properties and listeners of custom elements by itself.
declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "unmask-text": UnmaskTextReact;
    }
  }
}

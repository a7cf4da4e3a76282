import type { UnmaskTextJsx } from "unmask/element/jsx";

/** What a library like Solid tells TypeScript by `jsxImportSource`: elements of a namespace that its package exports. */
export declare namespace JSX {
  type Element = Node;
  interface IntrinsicElements {
    "unmask-text": UnmaskTextJsx;
  }
}

import type { UnmaskTextProps } from "./props.ts";

/** What JSX of any kind gives an element. */
interface AnyElement {
  readonly id?: string | undefined;
  readonly class?: string | undefined;
  readonly className?: string | undefined;
  readonly style?: unknown;
  readonly slot?: string | undefined;
  readonly title?: string | undefined;
  readonly lang?: string | undefined;
  readonly dir?: string | undefined;
  readonly hidden?: boolean | undefined;
  readonly key?: unknown;
  readonly ref?: unknown;
  readonly children?: unknown;
}

/** Props of `<unmask-text>` for JSX that is neither React's nor global; declare them in its own namespace. */
export type UnmaskTextJsx = UnmaskTextProps & AnyElement;

// Types only, for JSX whose elements stand in the global namespace.
declare global {
  namespace JSX {
    interface IntrinsicElements {
      "unmask-text": UnmaskTextJsx;
    }
  }
}

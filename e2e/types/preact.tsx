/** @jsxRuntime classic */
/** @jsx h */
import type { UnmaskTextElement } from "unmask/element";
import type { UnmaskTextJsx } from "unmask/element/jsx";

/** JSX whose elements stand in the namespace of its factory, as Preact's do. Compiled, never run. */
declare namespace h {
  namespace JSX {
    interface Element {
      readonly type: unknown;
    }
    interface IntrinsicElements {
      form: { onSubmit?: () => void; children?: unknown };
      "unmask-text": UnmaskTextJsx;
    }
    interface ElementChildrenAttribute {
      children: unknown;
    }
  }
}
declare function h(type: unknown, props: unknown, ...children: unknown[]): h.JSX.Element;

export function Sheet({ sheet }: { sheet: { current: UnmaskTextElement | null } }) {
  return (
    <form onSubmit={() => void sheet.current?.generate({ seed: 7 })}>
      <unmask-text
        ref={sheet}
        class="sheet"
        name="story"
        prompt="Once"
        seed={7}
        controls
        onunmask-done={({ detail }) => detail.text?.trim()}
      />
      {/* @ts-expect-error: attributes are text, numbers and flags */}
      <unmask-text model={7} />
      {/* @ts-expect-error: nothing of the event's detail */}
      <unmask-text onunmask-step={({ detail }) => detail.tokens} />
    </form>
  );
}

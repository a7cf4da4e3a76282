/** @jsxRuntime automatic */
/** @jsxImportSource ./solid-like */
import type { UnmaskTextElement } from "unmask/element";

/** JSX as Solid compiles it, with a `ref` that is called. Compiled, never run. */
export function Sheet() {
  let sheet: UnmaskTextElement | undefined;
  return (
    <unmask-text
      ref={(element: UnmaskTextElement) => {
        sheet = element;
      }}
      class="sheet"
      src="run.unmask.json"
      autoplay
      onunmask-error={({ detail }) => detail.code === "busy" && sheet?.abort()}
    />
  );
}

// @ts-expect-error: a flag is no text
export const wrong = () => <unmask-text autoplay="yes" />;

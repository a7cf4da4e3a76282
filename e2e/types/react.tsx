import { useRef } from "react";
import type { UnmaskTextElement } from "unmask/element";
import type {} from "unmask/element/react";

/** What React accepts on the element, against the built declarations. Compiled, never run. */
export function Sheet() {
  const sheet = useRef<UnmaskTextElement>(null);
  return (
    <form onSubmit={() => void sheet.current?.generate({ seed: 7 })}>
      <unmask-text
        ref={sheet}
        className="sheet"
        name="story"
        model="models/default/"
        prompt="Once"
        recipe="fast-dllm"
        seed={7}
        controls
        heat={false}
        trace={undefined}
        loadOptions={{ backend: "wasm" }}
        onunmask-progress={({ detail }) => detail.bytes.toFixed()}
        onunmask-step={({ detail }) => detail.masksLeft.toFixed()}
        onunmask-done={({ detail }) => detail.text?.trim()}
        onunmask-error={({ detail }) => detail.code === "aborted"}
      />
      {/* @ts-expect-error: attributes are text, numbers and flags */}
      <unmask-text model={7} />
      {/* @ts-expect-error: no such backend */}
      <unmask-text loadOptions={{ backend: "webgl" }} />
      {/* @ts-expect-error: the value is read only */}
      <unmask-text value="text" />
      {/* @ts-expect-error: nothing of the event's detail */}
      <unmask-text onunmask-step={({ detail }) => detail.tokens} />
    </form>
  );
}

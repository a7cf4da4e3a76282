import "unmask/element/define";
import { type FormEvent, useRef, useState } from "react";
import type { UnmaskTextElement } from "unmask/element";
import type {} from "unmask/element/react";

const RECIPE = JSON.stringify({ preset: "llada", length: 32 });

/** A story that is written into a form. */
export function Story() {
  const sheet = useRef<UnmaskTextElement>(null);
  const [prompt, setPrompt] = useState("Once upon a time");
  const [figures, setFigures] = useState("");
  const [writing, setWriting] = useState(false);
  const [sent, setSent] = useState<string>();

  async function write() {
    setWriting(true);
    // A failure arrives as an event.
    await sheet.current?.generate().catch(() => {});
    setWriting(false);
  }

  function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    setSent(String(new FormData(event.currentTarget).get("story")));
  }

  return (
    <>
      <h1>A story in a form</h1>
      <form onSubmit={send}>
        <label>
          Begin with
          <input value={prompt} onChange={({ target }) => setPrompt(target.value)} required />
        </label>
        <unmask-text
          ref={sheet}
          name="story"
          model="models/default/"
          prompt={prompt}
          recipe={RECIPE}
          heat={writing}
          onunmask-progress={({ detail }) => setFigures(detail.phase)}
          onunmask-step={({ detail }) => setFigures(`step ${detail.step}, ${detail.masksLeft} masks left`)}
          onunmask-done={({ detail }) => setFigures(`${detail.effectiveTokens} tokens, ${detail.reason}`)}
          onunmask-error={({ detail }) => setFigures(detail.message)}
        />
        <p>
          <button type="button" disabled={writing} onClick={write}>
            Write
          </button>{" "}
          <button type="button" disabled={!writing} onClick={() => sheet.current?.abort()}>
            Stop
          </button>{" "}
          <button type="submit" disabled={writing}>
            Send
          </button>
        </p>
      </form>
      <p>{figures}</p>
      {sent !== undefined && <output>Sent: {sent}</output>}
    </>
  );
}

import type {} from "unmask/element/jsx";

/** What JSX with global elements accepts. Compiled, never run. */
type Props = JSX.IntrinsicElements["unmask-text"];

export const props: Props = { id: "sheet", class: "sheet", prompt: "Once", controls: true, children: [] };
// @ts-expect-error: attributes are text, numbers and flags
export const wrong: Props = { prompt: 7 };

import { expect, type Locator, type Page } from "@playwright/test";
import { watchPolicy } from "./strict-test.ts";

/** The demo page as its user meets it (architecture.md 5.6). */
export interface DemoPage {
  readonly page: Page;
  readonly prompt: Locator;
  readonly generate: Locator;
  readonly stop: Locator;
  readonly step: Locator;
  readonly fill: Locator;
  readonly status: Locator;
  readonly canvas: Locator;
  readonly timeline: Locator;
  readonly problem: Locator;
  /** Text on the sheet; a run of masks reads as one `…`. */
  text(): Promise<string>;
  setLength(tokens: number): Promise<void>;
  /** Writes the prompt, generates and waits for the end. */
  run(prompt: string, tokens: number): Promise<void>;
}

/** Opens the demo. WASM by default: the choice of backend is then the same on every machine. */
export async function openDemo(page: Page, query: string = "?backend=wasm"): Promise<DemoPage> {
  watchPolicy(page.context());
  await page.goto(query);
  const button = (name: string): Locator => page.getByRole("button", { name, exact: true });
  const demo: DemoPage = {
    page,
    prompt: page.getByRole("textbox", { name: "Prompt" }),
    generate: button("Generate"),
    stop: button("Stop"),
    step: button("Step"),
    fill: button("Fill"),
    status: page.getByRole("status"),
    canvas: page.getByRole("region", { name: "Canvas" }),
    timeline: page.getByRole("slider", { name: "Step" }),
    problem: page.getByRole("region", { name: "Problem", exact: true }),
    text: () => page.locator("unmask-text").evaluate((sheet: HTMLElement & { text: string }) => sheet.text),
    setLength: (tokens) => page.getByRole("spinbutton", { name: "Length" }).fill(String(tokens)),
    async run(prompt, tokens) {
      await demo.prompt.fill(prompt);
      await demo.setLength(tokens);
      await demo.generate.click();
      await expect(demo.status).toContainText(/done|error/, { timeout: 90_000 });
      await expect(demo.status).toContainText("done", { timeout: 1 });
    },
  };
  await expect(demo.generate).toBeEnabled();
  return demo;
}

export const STORY = "Once upon a time there was a little fox who";

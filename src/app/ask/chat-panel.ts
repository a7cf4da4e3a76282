import { templateRequest } from "../../chat/jinja.ts";
import { openStoreClient } from "../../client/model-store.ts";
import { toUnmaskError } from "../../core/errors.ts";
import type { EngineInfo } from "../../protocol.ts";
import { renderTemplate } from "../../runtime/template/render-template.ts";
import { startTemplateWorker } from "../../runtime/template/template-worker-browser.ts";
import type { Status } from "../status.ts";

/** The field for a chat template of the user's own. */
export interface ChatPanel {
  /** Shows what the chosen model has. */
  show(state: { readonly template: string | undefined; readonly info: EngineInfo | undefined }): void;
}

const MESSAGE = "Hello";
/** Stand for the special tokens, which the page does not know. */
const SPECIAL = Object.fromEntries(
  ["bos_token", "eos_token", "pad_token", "unk_token"].map((name) => [name, `<${name}>`]),
);
const MAX_FILE_BYTES = 1_000_000;
const MAX_SHOWN = 600;

/**
 * @param address of the chosen model
 * @param say tells the page's status line
 * @param changed hears the template that chats go by from now on; undefined: the model's own
 */
export function wireChatPanel(
  address: () => string,
  say: Status["say"],
  changed: (template: string | undefined) => void,
): ChatPanel {
  const form = findForm();
  let shown: { readonly model: string; readonly template: string | undefined } | undefined;
  const settle = (kept: string, written: string | undefined): void => {
    form.kept.textContent = kept;
    form.sample.hidden = kept === "" && written === undefined;
    form.written.textContent = shorten(written ?? "");
    form.written.hidden = written === undefined;
  };
  const fail = (message: string, code: string): void => {
    const [what, small] = [document.createElement("p"), document.createElement("code")];
    what.className = "what";
    what.textContent = message;
    small.textContent = code;
    form.problem.replaceChildren(what, small);
    form.problem.hidden = false;
    form.text.ariaInvalid = "true";
    say(`error: ${code}`, message);
  };
  const clear = (): void => {
    form.problem.hidden = true;
    form.text.ariaInvalid = null;
    settle("", undefined);
  };
  const busy = async (job: () => Promise<void>): Promise<void> => {
    const held = document.activeElement;
    clear();
    for (const field of form.fields) field.disabled = true;
    try {
      await job();
    } catch (error) {
      const { message, code } = toUnmaskError(error);
      fail(message, code);
    } finally {
      for (const field of form.fields) field.disabled = false;
      if (held instanceof HTMLElement && document.activeElement === document.body) held.focus();
    }
  };
  const use = () =>
    busy(async () => {
      const template = form.text.value;
      const model = address();
      if (template.trim() === "") return fail("The template is empty.", "invalid-options");
      const request = templateRequest(template, MESSAGE, {}, [], SPECIAL);
      const written = await renderTemplate(startTemplateWorker, request);
      if (!written.includes(MESSAGE)) {
        return fail("The chat template cannot be used: what it writes lacks the message.", "invalid-options");
      }
      const isKept = await keep(model, template);
      if (model !== address()) return;
      shown = { model, template };
      changed(template);
      form.says.textContent = saysOf(undefined, true);
      form.drop.hidden = false;
      const sentence = isKept
        ? "Kept with the model; chats go by it."
        : "Chats go by it until this page is closed: the model is not stored in this browser.";
      settle(sentence, written);
      say("ready: your chat template works");
    });
  const drop = () =>
    busy(async () => {
      const model = address();
      await keep(model, undefined);
      shown = { model, template: undefined };
      form.text.value = "";
      form.drop.hidden = true;
      changed(undefined);
    }).then(() => form.text.focus());
  form.use.addEventListener("click", () => void use());
  form.drop.addEventListener("click", () => void drop());
  form.text.addEventListener("input", clear);
  form.open.addEventListener("click", () => form.file.click());
  form.file.addEventListener("change", () => {
    const [file] = form.file.files ?? [];
    form.file.value = "";
    if (file === undefined) return;
    void busy(async () => {
      if (file.size > MAX_FILE_BYTES) return fail("The file is larger than 1 MB.", "invalid-options");
      form.text.value = await file.text();
    }).then(() => form.text.focus());
  });
  return {
    show({ template, info }) {
      form.says.textContent = saysOf(info, template !== undefined);
      form.drop.hidden = template === undefined;
      // A draft stays while the model and what is kept with it stay.
      if (shown?.model === address() && shown.template === template) return;
      shown = { model: address(), template };
      form.text.value = template ?? "";
      clear();
    },
  };
}

/** The ends of a long text: a system message of pages has its place in the model, not here. */
function shorten(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN / 2)} … ${text.slice(-MAX_SHOWN / 2)}`;
}

function saysOf(info: EngineInfo | undefined, hasOwn: boolean): string {
  if (hasOwn) return "Chats with this model go by your template.";
  if (info === undefined)
    return "How a chat is written down for the model. Load it to see whether it has a template.";
  return info.chat
    ? `${info.name} has a template; one of your own goes before it.`
    : `${info.name} has no chat template. With one of your own it takes the prompt as a message.`;
}

/** False where the model is not stored, or the browser keeps nothing. */
async function keep(address: string, template: string | undefined): Promise<boolean> {
  const client = openStoreClient();
  try {
    return await client.keepTemplate(address, template);
  } catch {
    return false;
  } finally {
    client.close();
  }
}

function findForm() {
  // Each id is in index.html with the element type of its field; a wrong one would fail on first use in any test.
  const get = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
  const [text, use, drop] = [
    get<HTMLTextAreaElement>("chat-text"),
    get<HTMLButtonElement>("chat-use"),
    get<HTMLButtonElement>("chat-drop"),
  ];
  const open = get<HTMLButtonElement>("chat-open");
  return {
    says: get("chat-says"),
    text,
    use,
    drop,
    open,
    fields: [text, use, drop, open],
    file: get<HTMLInputElement>("chat-file"),
    problem: get("chat-problem"),
    sample: get("chat-sample"),
    kept: get("chat-kept"),
    written: get("chat-written"),
  };
}

import type { SheetOptions } from "../../element/element.ts";
import { hasGaps } from "../../engine/ask/gap-pattern.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { EngineInfo } from "../../protocol.ts";
import type { ModelRecord } from "../../runtime/store/store-layout.ts";
import { sameFolder } from "../model/same-folder.ts";
import type { Page } from "../page.ts";
import type { Status } from "../status.ts";
import type { ChatPanel } from "./chat-panel.ts";

/** Modes of the prompt: those of the bundle, and the chat of a model that has a template or was given one. */
export interface Chat {
  /** Mode or chat of the next run. */
  modeOf(): Pick<SheetOptions, "mode" | "chat">;
  /** Offers the modes of a model that is open. */
  loaded(info: EngineInfo): void;
  /** Opens the panel of the template. */
  open(): void;
  /** Another model was chosen: its template is another one. */
  changed(): void;
}

/** Value of the mode in which the prompt is a message. Bundles name theirs with letters. */
const CHAT = "(chat)";

/** Those of the embedded model before it is loaded. */
const EMBEDDED: ModeFacts = { modes: ["story", "task", "chat", "plain"], chat: false };

/** The panel for a template of the user's own comes with its first use. */
export function wireChat(page: Page, say: Status["say"]): Chat {
  let template: string | undefined;
  let info: EngineInfo | undefined;
  /** Of the chosen model, from its record or from the open engine. */
  let facts: ModeFacts | undefined;
  let panel: Promise<ChatPanel> | undefined;
  const address = (): string => {
    const { href } = new URL(page.model.value, document.baseURI);
    return href.startsWith("opfs:") || href.endsWith("/") ? href : `${href}/`;
  };
  const offer = (): void => {
    const has = page.mode.value;
    const modes = facts?.modes ?? [];
    const isChat = facts?.chat === true || template !== undefined;
    const label = modes.includes("chat") ? "Chat, by your template" : "Chat";
    page.mode.replaceChildren(
      ...(facts === undefined ? [new Option("The model's own", "")] : []),
      ...modes.map((mode) => new Option(mode[0]?.toUpperCase() + mode.slice(1), mode)),
      ...(isChat ? [new Option(label, CHAT)] : []),
    );
    const wanted = Array.from(page.mode.options).find(({ value }) => value === has);
    // A model that knows chats and nothing special beside is there to chat.
    if (wanted === undefined || (isChat && modes.join() === "plain" && !chosen)) {
      page.mode.value = isChat ? CHAT : (modes[0] ?? "");
    } else page.mode.value = has;
  };
  let chosen = false;
  page.mode.addEventListener("change", () => {
    chosen = true;
  });
  const recall = async (): Promise<void> => {
    const of = address();
    // A store that cannot be read has nothing to tell.
    const record = await readRecord(of).catch(() => undefined);
    if (record === undefined || of !== address()) return;
    template ??= record.template;
    facts ??= factsOf(record.manifest);
    offer();
    if (!page.chat.hidden) void open();
  };
  const open = async (): Promise<void> => {
    panel ??= import("./chat-panel.ts").then(({ wireChatPanel }) =>
      wireChatPanel(address, say, (text) => {
        template = text;
        if (facts === undefined) return;
        chosen = false;
        offer();
        if (template !== undefined) page.mode.value = CHAT;
      }),
    );
    page.chatToggle.ariaExpanded = "true";
    // Filled before it is seen, or it would take away what is typed meanwhile.
    const opened = await panel;
    if (page.chatToggle.ariaExpanded !== "true") return;
    opened.show({ template, info });
    page.chat.hidden = false;
  };
  page.chatToggle.addEventListener("click", () => {
    if (page.chatToggle.ariaExpanded !== "true") return void open();
    page.chat.hidden = true;
    page.chatToggle.ariaExpanded = "false";
  });
  return {
    open: () => void open().then(() => page.chat.querySelector("textarea")?.focus()),
    modeOf() {
      // Of a model that is not known yet.
      if (page.mode.value === "") return {};
      if (page.mode.value !== CHAT) return { mode: page.mode.value };
      // A text with gaps is no message.
      if (hasGaps(page.prompt.value)) return {};
      return { chat: template === undefined ? {} : { template } };
    },
    loaded(loaded) {
      info = loaded;
      facts = loaded;
      offer();
      if (!page.chat.hidden) void open();
    },
    changed() {
      template = undefined;
      info = undefined;
      facts = sameFolder(page.model.value, "models/default") ? EMBEDDED : undefined;
      chosen = false;
      offer();
      // Long before the model is there.
      void recall();
      if (!page.chat.hidden) void open();
    },
  };
}

type ModeFacts = Pick<EngineInfo, "modes" | "chat">;

/** What a manifest tells before its files are read: a template in the tokenizer's configuration shows when it is open. */
function factsOf({ modes, chat, files }: Manifest): ModeFacts {
  const hasFile = files.some(({ path }) => path === "chat_template.jinja");
  return { modes: Object.keys(modes), chat: chat !== undefined || hasFile };
}

/** What this browser keeps of a model. */
async function readRecord(address: string): Promise<ModelRecord | undefined> {
  const storage = navigator.storage as StorageManager | undefined;
  if (storage?.getDirectory === undefined) return undefined;
  const [{ recordBook }, { idOf, RECORDS }] = await Promise.all([
    import("../../runtime/store/records.ts"),
    import("../../runtime/store/store-layout.ts"),
  ]);
  // None yet, or a browser that denies its storage.
  const folder = await storage
    .getDirectory()
    .then((root) => root.getDirectoryHandle(RECORDS))
    .catch(() => undefined);
  return folder && (await recordBook(folder).get(await idOf(address)));
}

import type { SheetOptions } from "../element/element.ts";
import { hasGaps } from "../engine/gap-pattern.ts";
import type { EngineInfo } from "../protocol.ts";
import type { ChatPanel } from "./chat-panel.ts";
import type { Page } from "./page.ts";

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

/** The panel for a template of the user's own comes with its first use. */
export function wireChat(page: Page): Chat {
  let template: string | undefined;
  let info: EngineInfo | undefined;
  let panel: Promise<ChatPanel> | undefined;
  const address = (): string => {
    const { href } = new URL(page.model.value, document.baseURI);
    return href.startsWith("opfs:") || href.endsWith("/") ? href : `${href}/`;
  };
  const offer = (): void => {
    const has = page.mode.value;
    const modes = info?.modes ?? [];
    const isChat = info?.chat === true || template !== undefined;
    const label = modes.includes("chat") ? "Chat, by your template" : "Chat";
    page.mode.replaceChildren(
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
  const open = async (): Promise<void> => {
    panel ??= import("./chat-panel.ts").then(({ wireChatPanel }) =>
      wireChatPanel(address, (text) => {
        template = text;
        if (info === undefined) return;
        chosen = false;
        offer();
        if (template !== undefined) page.mode.value = CHAT;
      }),
    );
    page.chat.hidden = false;
    page.chatToggle.ariaExpanded = "true";
    (await panel).show({ template, info });
  };
  page.chatToggle.addEventListener("click", () => {
    if (page.chat.hidden) return void open();
    page.chat.hidden = true;
    page.chatToggle.ariaExpanded = "false";
  });
  return {
    open: () => void open().then(() => page.chat.querySelector("textarea")?.focus()),
    modeOf() {
      // A text with gaps is no message.
      if (page.mode.value !== CHAT) return { mode: page.mode.value };
      if (hasGaps(page.prompt.value)) return {};
      return { chat: template === undefined ? {} : { template } };
    },
    loaded(loaded) {
      info = loaded;
      offer();
      const of = address();
      void readKept(of).then((kept) => {
        if (of !== address() || info !== loaded) return;
        template = kept ?? template;
        offer();
        if (!page.chat.hidden) void open();
      });
    },
    changed() {
      template = undefined;
      info = undefined;
      chosen = false;
      if (!page.chat.hidden) void open();
    },
  };
}

/** The template that is kept with a model. */
async function readKept(address: string): Promise<string | undefined> {
  const storage = navigator.storage as StorageManager | undefined;
  if (storage?.getDirectory === undefined) return undefined;
  const [{ recordBook }, { idOf, RECORDS }] = await Promise.all([
    import("../runtime/records.ts"),
    import("../runtime/store-layout.ts"),
  ]);
  // None yet, or a browser that denies its storage.
  const folder = await storage
    .getDirectory()
    .then((root) => root.getDirectoryHandle(RECORDS))
    .catch(() => undefined);
  return folder && (await recordBook(folder).get(await idOf(address)))?.template;
}

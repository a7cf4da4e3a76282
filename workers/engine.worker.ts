import { expose } from "comlink";
import { trustOwnScripts } from "../src/own-scripts.ts";
import { type EngineApi, installErrorTransfer } from "../src/protocol.ts";
import { createHost } from "../src/runtime/host/host.ts";
import { browserPlatform } from "../src/runtime/platform/platform-browser.ts";

trustOwnScripts();
installErrorTransfer();
expose(createHost(browserPlatform()) satisfies EngineApi);

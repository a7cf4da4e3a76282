import { expose } from "comlink";
import { installErrorTransfer } from "../src/protocol.ts";
import { storedModels } from "../src/runtime/store/stored-models.ts";
import type { StoreApi } from "../src/store-protocol.ts";

installErrorTransfer();
expose(storedModels() satisfies StoreApi);

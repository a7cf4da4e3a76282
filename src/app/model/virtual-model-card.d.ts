/** HTML of public/models/default/README.md, see scripts/model-card.mjs. */
declare module "virtual:model-card" {
  export const html: string;
}

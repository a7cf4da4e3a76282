/** Lets the module be imported where there is no DOM. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

/** What an element needs to be a field of a form. */
export class FormField extends Base {
  static readonly formAssociated = true;

  protected readonly internals: ElementInternals = this.attachInternals();

  /** The form that the field belongs to. */
  get form(): HTMLFormElement | null {
    return this.internals.form;
  }

  /** Name of the field in its form; empty when absent. */
  get name(): string {
    return this.getAttribute("name") ?? "";
  }

  set name(name: string) {
    this.setAttribute("name", name);
  }

  /** True by its own attribute or by a fieldset's: nothing can be run. */
  get disabled(): boolean {
    return this.matches(":disabled");
  }

  set disabled(disabled: boolean) {
    this.toggleAttribute("disabled", disabled);
  }
}

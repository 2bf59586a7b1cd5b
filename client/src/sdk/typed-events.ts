/** An EventTarget whose events and their details are typed; the detail is handed to listeners directly. */
export class TypedEvents<Events extends object> {
  readonly #target = new EventTarget();

  /** Listens until the returned function is called or the signal aborts. */
  on<Type extends keyof Events & string>(
    type: Type,
    listener: (detail: Events[Type]) => void,
    options: { readonly signal?: AbortSignal } = {},
  ): () => void {
    const handle = (event: Event) => listener((event as CustomEvent<Events[Type]>).detail);
    this.#target.addEventListener(type, handle, options);
    return () => this.#target.removeEventListener(type, handle);
  }

  protected emit<Type extends keyof Events & string>(type: Type, detail: Events[Type]): void {
    this.#target.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

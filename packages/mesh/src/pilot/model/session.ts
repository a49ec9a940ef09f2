/** Requests of one session go to one endpoint, as long as that is there: a cookie or a header says which it is. */
export type Session =
  /** Without a lifetime the cookie is for as long as the browser runs; without a path, for all of them. */
  | { readonly type: 'cookie'; readonly name: string; readonly lifetimeMs?: number; readonly path?: string }
  | { readonly type: 'header'; readonly name: string };

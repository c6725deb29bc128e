/** Under which name the session is kept among the answers. */
export const SESSION_KEY = ['session'] as const;

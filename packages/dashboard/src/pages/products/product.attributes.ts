/** The attributes that were typed; empty means none. */
export function attributesOf(text: string): { value: Record<string, unknown> | null; error: string | null } {
  if (text.trim() === '') return { value: null, error: null };
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return { value: null, error: 'It must be an object, such as {"colour": "blue"}.' };
    }
    return { value: value as Record<string, unknown>, error: null };
  } catch {
    return { value: null, error: 'This is no JSON yet.' };
  }
}

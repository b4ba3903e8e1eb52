/** A JSON value in the grammar of `-p`: a Python literal, where a plain word is a string. */
export function literal(value: unknown): string {
  if (value === null || value === undefined) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  if (typeof value === 'string') {
    return isPlainWord(value) ? value : quoted(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map(nested).join(', ')}]`;
  }
  if (typeof value === 'object') {
    const items = Object.entries(value).map(([key, item]) => `${quoted(key)}: ${nested(item)}`);
    return `{${items.join(', ')}}`;
  }
  return String(value);
}

function nested(value: unknown): string {
  return typeof value === 'string' ? quoted(value) : literal(value);
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

/** Words that Python would not read as something else, and that hold no comma or bracket. */
function isPlainWord(text: string): boolean {
  return (
    /^[A-Za-z_./~][\w./~ -]*$/.test(text) &&
    text === text.trim() &&
    !['None', 'True', 'False', 'nan', 'inf', 'NaN', 'Infinity'].includes(text)
  );
}

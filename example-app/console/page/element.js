/**
 * Creates an element. `data` sets its dataset, names with a hyphen and `role` become attributes, and all others are properties. Texts
 * are never parsed as HTML.
 */
export function element(name, properties = {}, ...children) {
  const created = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (key === 'data') Object.assign(created.dataset, value);
    else if (key === 'role' || key.includes('-')) created.setAttribute(key, value);
    else created[key] = value;
  }
  created.append(...children.flat().filter((child) => child !== undefined && child !== ''));
  return created;
}

export function byId(id) {
  return document.getElementById(id);
}

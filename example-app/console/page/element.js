/** Makes an element: properties are set as they are, `data` and what has a hyphen as attributes; nothing is ever parsed as HTML. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (key === 'data') Object.assign(made.dataset, value);
    else if (key === 'role' || key.includes('-')) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.flat().filter((child) => child !== undefined && child !== ''));
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}

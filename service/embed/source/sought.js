// What the address of the page leads to in this list: an id of it, or one that nothing on the page has.

export const soughtIn = (host) => {
  const id = location.hash.slice(1);
  const marked = document.getElementById(id);
  return /^[\w.:%-]+$/.test(id) && (!marked || (marked !== host && host.contains(marked))) && id;
};

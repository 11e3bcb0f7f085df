// Long names in code may break behind these signs, and nowhere else.
for (const code of document.querySelectorAll(".content :not(pre) > code")) {
  for (const text of [...code.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)) {
    const [first, ...others] = text.data.split(/(?<=[_./:=])(?=.)/);
    text.replaceWith(first, ...others.flatMap((part) => [document.createElement("wbr"), part]));
  }
}

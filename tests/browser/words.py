"""The words that a page shows, in the notation of the terminal's transcript: one renderer held against the other.

What is drawn bold comes as *bold*, a button as [label], a list as <placeholder>, as in
`bot/playground/slack/rendering.py`. Left out on both sides is what is layout alone: empty lines, fences of
code, and what Slack would ask before a control is used, which is not on the screen yet.
"""

import re
from typing import Any

Lines = list[str]

_ASKS = re.compile(r"^\[.*\] asks: ")

READ = """
(root) => {
  const MARKS = { B: "*", I: "_", S: "~", CODE: "`" };
  const inline = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    if (node.matches(".edited, .optional")) return "";
    if (node.matches(".emoji")) return `:${node.getAttribute("aria-label")}:`;
    const inner = [...node.childNodes].map(inline).join("");
    if (node.matches("a, .inert")) {
      const url = node.title;
      return inner && !url.includes(inner) ? `${inner} (${url})` : inner || url;
    }
    const mark = MARKS[node.tagName] ?? "";
    return mark + inner + mark;
  };
  const lines = (node) => [...node.childNodes].flatMap((child) => {
    if (child.nodeType === Node.TEXT_NODE) return child.data.split("\\n");
    if (child.matches("pre")) return ["```", ...inline(child).split("\\n"), "```"];
    if (child.matches("blockquote")) return inline(child).split("\\n").map((line) => `> ${line}`);
    if (child.matches("ul, ol")) {
      return [...child.children].map((item, at) => `${child.matches("ol") ? `${at + 1}.` : "•"} ${inline(item)}`);
    }
    return inline(child).split("\\n");
  });
  const MARKED = (button) => (button.matches(".danger") ? "!" : button.matches(".primary") ? "*" : "");
  const control = (node) => {
    if (node.matches("button.button")) return `[${MARKED(node)}${node.textContent}]`;
    if (node.matches(".picker")) return `<${node.querySelector("input").value || node.querySelector("input").placeholder}>`;
    if (node.matches(".typed")) return `<${node.value || node.placeholder || "..."}>`;
    if (node.matches(".ticks")) {
      return [...node.querySelectorAll("label")].map((label) =>
        `[${label.querySelector("input").checked ? "x" : " "}] ${lines(label.querySelector(".words")).join(" ")}`).join(" ");
    }
    return inline(node);
  };
  const block = (node) => {
    if (node.matches(".header")) return [`# ${lines(node.querySelector("h3")).join("\\n")}`];
    if (node.matches(".divider")) return ["----"];
    if (node.matches(".context")) return [...node.querySelectorAll(":scope > .context > div")].flatMap((part) => lines(part).map((line) => `~ ${line}`));
    if (node.matches(".actions")) return [[...node.querySelector(".actions").children].map(control).join(" ")];
    if (node.matches(".input")) {
      const field = node.querySelector(".field");
      const part = (name, mark) => [...field.querySelectorAll(`:scope > ${name}`)].map((each) => mark + each.textContent);
      return [`${inline(field.querySelector(".label"))}: ${control(field.children[1])}`, ...part(".hint", "~ "), ...part(".error", "! ")];
    }
    if (node.matches(".section")) {
      const words = node.querySelector(".words");
      const own = [...words.children].filter((each) => !each.matches(".fields"));
      const found = own.flatMap((each) => lines({ childNodes: [each] }));
      for (const field of words.querySelectorAll(".field")) {
        const [first, ...rest] = lines(field);
        found.push(`| ${first}`, ...rest.map((line) => `|   ${line}`));
      }
      const accessory = node.querySelector(".accessory");
      return accessory ? [...found, control(accessory.firstElementChild)] : found;
    }
    return lines(node);
  };
  return [...root.querySelectorAll(":scope > .block")].flatMap(block);
}
"""
MESSAGES = f"""
() => Object.fromEntries([...document.querySelectorAll("article.message[data-ts]")].map((message) =>
  [message.dataset.ts, ({READ})(message.querySelector(".said"))]))
"""


def told(lines: Lines) -> Lines:
    """Lines of a transcript, or of a page, without what is layout alone."""
    kept = [re.sub(r"\s+", " ", line.replace("```", "\n")).strip() for line in lines]
    return [line for line in kept if line and not _ASKS.match(line)]


async def drawn(page: Any) -> dict[str, Lines]:
    """The lines of all messages on a page, by their ts."""
    found: dict[str, Lines] = await page.evaluate(MESSAGES)
    return {ts: told(lines) for ts, lines in found.items()}


async def drawn_in(page: Any, selector: str) -> Lines:
    """The lines of a surface: the Home tab, or a form."""
    lines: Lines = await page.locator(selector).evaluate(READ)
    return told(lines)

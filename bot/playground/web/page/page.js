// The page of the playground: draws what one person sees of the simulated Slack, and the cluster beside it.
//
// The server sends the whole of it whenever it changed (`live`); this page draws the difference, and sends
// back what the person does (`do`) and what is done to the world (`world`). Rules of this file: data becomes
// text nodes only, never markup; nothing is fetched from elsewhere; no style attribute (the CSP refuses it).

// ---------------------------------------------------------------------------------------------- nodes

/** An element. Properties that begin with "on" are listeners; null and false are left out. */
function h(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const SHAPES = {
  back: "M15 5l-7 7 7 7", close: "M6 6l12 12M18 6L6 18", down: "M6 9l6 6 6-6", more: "M5 12h.01M12 12h.01M19 12h.01",
  reply: "M4 5h16v11H10l-5 4v-4H4z", edit: "M5 19l1-4L16 5l3 3L9 18z", bin: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
  send: "M4 12l16-8-6 16-3-6z", bolt: "M13 3L5 14h6l-1 7 8-11h-6z", bell: "M6 17V11a6 6 0 0 1 12 0v6l1 1H5zM10 20h4",
  home: "M4 11l8-7 8 7v9h-5v-6H9v6H4z", lock: "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z", chat: "M4 5h16v11H10l-5 4v-4H4z",
  disks: "M4 6h16v5H4zM4 13h16v5H4zM7 8.5h.01M7 15.5h.01", list: "M5 6h.01M9 6h11M5 12h.01M9 12h11M5 18h.01M9 18h11",
  flag: "M6 21V4h11l-2 4 2 4H6", rewind: "M6 8v5h5M6.6 12.6A6.5 6.5 0 1 1 6 15",
};

function icon(name) {
  const make = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const svg = make("svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = make("path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

const held = new WeakMap();

/** Make `parent` hold exactly these items `{key, content, make, change?}`, in order.
 *
 * What has the same content as before keeps its node, and with it focus, selection and open lists. */
function sync(parent, items) {
  const before = held.get(parent) ?? new Map();
  const now = new Map();
  for (const item of items) {
    const text = JSON.stringify(item.content) ?? "";
    const old = before.get(item.key);
    let node = old?.node;
    if (!old) node = item.make();
    else if (old.text !== text) {
      if (item.change) item.change(node);
      else {
        node = item.make();
        old.node.replaceWith(node);
      }
    }
    now.set(item.key, { text, node });
  }
  const wanted = new Set([...now.values()].map((each) => each.node));
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  let place = parent.firstChild;
  for (const { node } of now.values()) {
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
  held.set(parent, now);
  return parent;
}

const one = (id) => document.getElementById(id);

// ---------------------------------------------------------------------------------------------- state

const FIRST = "alice";
let state = null;
/** What this window shows; nothing of it is known to the server. */
const ui = {
  as: decodeURIComponent(location.hash.slice(1)) || FIRST,
  room: null, // a channel id, or "home"
  thread: null, // {channel, ts}
  tab: "cluster",
  follow: null, // the channel in which this person has just asked for something
  editing: null, // the key of the message that is being edited
  hints: true,
  heard: null, // the notices that were told, by channel and ts
  seen: new Set(), // those whose message was on the screen
  sources: new Set(["slack", "document", "cluster", "audit"]),
};
let stream = null;

function connect(name) {
  stream?.close();
  ui.heard = null;
  ui.seen.clear();
  ui.editing = null;
  stream = new EventSource(`live?as=${encodeURIComponent(name)}`);
  stream.addEventListener("state", (event) => {
    trouble("");
    state = JSON.parse(event.data);
    ui.as = state.me.name;
    versionNames();
    document.title = `${state.me.name} · vm-restore playground`;
    render();
  });
  stream.addEventListener("gone", () => {
    stream.close();
    trouble("The playground has ended. Start it again with: make playground");
  });
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED && name !== FIRST && !state) become(FIRST);
    else trouble("The playground does not answer. Trying again …");
  };
}

function trouble(text) {
  const line = one("trouble");
  if (line.textContent !== text) line.textContent = text;
  line.hidden = !text;
}

/** Send something; what is not possible is told, and null comes back. */
async function post(path, body, told = true) {
  let answer;
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    answer = await response.json();
  } catch {
    answer = { ok: false, why: "The playground does not answer." };
  }
  if (answer.ok) return answer;
  if (told) note(answer.why || "That did not work.", { kind: "wrong" });
  return told ? null : answer;
}

const act = (what, fields, told) => post("do", { as: state.me.name, do: what, ...fields }, told);
const world = (what, fields) => post("world", { do: what, ...fields });

/** A short message over the page. */
function note(text, { kind = "", go = null } = {}) {
  const close = () => line.remove();
  const line = h("div", { class: `note ${kind}` },
    go ? h("button", { type: "button", class: "plain", onclick: () => { close(); go(); } }, text) : h("span", {}, text),
    h("button", { type: "button", class: "bare", "aria-label": "Close this message", onclick: close }, icon("close")));
  one("notes").append(line);
  while (one("notes").children.length > 3) one("notes").firstChild.remove();
  setTimeout(close, 9000);
}

// ---------------------------------------------------------------------------------------------- words

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
const userName = (id) => `@${state.users[id] ?? id}`;
const roomName = (id) => `#${state.rooms[id] ?? id}`;
let version = 0;
let versioned = "";

/** Changes when what names and times are drawn from does: a part of the content of whatever shows them. */
const names = () => version;

function versionNames() {
  const text = JSON.stringify([state.users, state.groups, state.rooms, state.me.tz]);
  if (text !== versioned) version += 1;
  versioned = text;
}

const formats = new Map();
const DIGITS = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

/** To make a format takes longer than to use it. */
function format(options) {
  const timeZone = state.me.tz || "UTC";
  const key = `${timeZone} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-US", { timeZone, ...options }));
  return formats.get(key);
}

function parts(seconds) {
  const found = Object.fromEntries(format(DIGITS).formatToParts(seconds * 1000).map((part) => [part.type, part.value]));
  return { ...found, long: (options) => format(options).format(seconds * 1000) };
}

const clock = (seconds) => { const at = parts(seconds); return `${at.hour}:${at.minute}`; };
const exact = (seconds) => { const at = parts(seconds); return `${at.hour}:${at.minute}:${at.second}`; };
const seconds = (iso) => Date.parse(iso) / 1000;
const dayNumber = (at) => Date.UTC(Number(at.year), Number(at.month) - 1, Number(at.day)) / 86_400_000;

function ordinal(day) {
  if ([11, 12, 13].includes(day)) return `${day}th`;
  return day + (["th", "st", "nd", "rd"][day % 10] ?? "th");
}

function ago(then) {
  const passed = seconds(state.now) - then;
  const minutes = Math.floor(Math.abs(passed) / 60);
  let [amount, unit] = minutes < 60 ? [minutes, "minute"] : [Math.floor(minutes / 60), "hour"];
  if (unit === "hour" && amount >= 24) [amount, unit] = [Math.floor(amount / 24), "day"];
  const words = `${amount} ${unit}${amount === 1 ? "" : "s"}`;
  return passed < 0 ? `in ${words}` : `${words} ago`;
}

/** Slack's date markup in the reader's zone; the fallback for a token that Slack does not know. */
function dated(stamp, shape, fallback) {
  const at = parts(stamp);
  const near = ["yesterday", "today", "tomorrow"][dayNumber(at) - dayNumber(parts(seconds(state.now))) + 1];
  const words = {
    date: `${at.long({ month: "long" })} ${ordinal(Number(at.day))}, ${at.year}`,
    date_num: `${at.year}-${at.month}-${at.day}`,
    date_slash: `${at.month}/${at.day}/${at.year}`,
    date_long: `${at.long({ weekday: "long" })}, ${at.long({ month: "long" })} ${ordinal(Number(at.day))}, ${at.year}`,
    date_short: `${at.long({ month: "short" })} ${Number(at.day)}, ${at.year}`,
    time: `${at.hour}:${at.minute}`,
    time_secs: `${at.hour}:${at.minute}:${at.second}`,
    ago: ago(stamp),
  };
  for (const name of ["date", "date_long", "date_short"]) words[`${name}_pretty`] = near ?? words[name];
  let known = true;
  const said = shape.replace(/\{(\w+)\}/g, (_, token) => {
    if (!(token in words)) known = false;
    return words[token] ?? "";
  });
  return known ? said : fallback;
}

function mention(text, me = false) {
  return h("span", { class: me ? "mention me" : "mention" }, text);
}

const PERMALINK = /^https:\/\/[\w.-]+\.slack\.com\/archives\/(\w+)\/p(\d{10})(\d{6})/;

/** A link. One to a message of this workspace goes there; one that is no address of the web is text. */
function link(url, label) {
  const message = PERMALINK.exec(url);
  if (message && state.rooms[message[1]] !== undefined) {
    const go = (event) => { event.preventDefault(); goTo(message[1], `${message[2]}.${message[3]}`); };
    return h("a", { href: url, title: url, onclick: go }, label);
  }
  if (!/^(https?:\/\/|mailto:)/.test(url)) return h("span", { class: "inert", title: url }, label);
  return h("a", { href: url, title: url, target: "_blank", rel: "noopener noreferrer" }, label);
}

/** What stands between angle brackets. */
function sequence(inner) {
  const date = /^!date\^(\d+)\^([^^|]*)(?:\^([^|]*))?\|([\s\S]*)$/.exec(inner);
  if (date) {
    const said = unescape(dated(Number(date[1]), date[2], date[4]));
    return date[3] ? link(date[3], said) : h("time", { datetime: new Date(date[1] * 1000).toISOString(), title: unescape(date[4]) }, said);
  }
  const [target, label] = [inner.split("|", 1)[0], inner.slice(inner.split("|", 1)[0].length + 1)];
  if (target.startsWith("@")) return mention(userName(target.slice(1)), target.slice(1) === state.me.id);
  if (target.startsWith("#")) return mention(roomName(target.slice(1)));
  if (target.startsWith("!subteam^")) {
    const group = state.groups[target.slice(9)];
    return mention(group ? `@${group}` : unescape(label));
  }
  if (target.startsWith("!")) return mention(`@${unescape(target.slice(1))}`);
  return link(unescape(target), unescape(label || target));
}

const OPENERS = { "*": "b", _: "i", "~": "s" };
const word = (atom) => typeof atom === "string" && /[\p{L}\p{N}]/u.test(atom);
const blank = (atom) => atom === undefined || (typeof atom === "string" && /\s/.test(atom));

/** One line of mrkdwn as nodes. */
function inline(line) {
  const atoms = [];
  for (const found of line.matchAll(/(`[^`]+`)|<([^<>]+)>|(&lt;|&gt;|&amp;)|([\s\S])/gu)) {
    if (found[1]) {
      const code = h("code");
      code.append(...found[1].slice(1, -1).split(/(<[^<>]+>)/).map((piece) =>
        /^<[^<>]+>$/.test(piece) ? sequence(piece.slice(1, -1)) : unescape(piece)));
      atoms.push(code);
    } else if (found[2]) atoms.push(sequence(found[2]));
    else atoms.push(found[3] ? unescape(found[3]) : found[4]);
  }
  return marked(atoms);
}

/** Bold, italic and struck runs, as Slack finds them: at the edges of words, never around nothing. */
function marked(atoms) {
  const out = [];
  for (let at = 0; at < atoms.length; at += 1) {
    const tag = OPENERS[atoms[at]];
    const end = tag && !word(atoms[at - 1]) && !blank(atoms[at + 1]) ? closing(atoms, at) : -1;
    if (end > 0) {
      out.push(h(tag, {}, marked(atoms.slice(at + 1, end))));
      at = end;
    } else if (typeof atoms[at] === "string" && typeof out.at(-1) === "string") out[out.length - 1] += atoms[at];
    else out.push(atoms[at]);
  }
  return out;
}

function closing(atoms, start) {
  for (let at = start + 2; at < atoms.length; at += 1)
    if (atoms[at] === atoms[start] && !blank(atoms[at - 1]) && !word(atoms[at + 1])) return at;
  return -1;
}

/** mrkdwn as lines. */
function mrkdwn(text) {
  const out = [];
  for (const [index, piece] of text.split("```").entries()) {
    const fenced = index % 2 === 1 && text.split("```").length > index + 1;
    if (fenced) out.push(h("pre", {}, unescape(piece.replace(/^\n|\n$/g, ""))));
    else if (piece !== "" || index === 0) out.push(...piece.replace(index ? /^\n/ : "", "").split("\n").map(oneLine));
  }
  return out;
}

function oneLine(line) {
  if (line.startsWith("&gt; ") || line === "&gt;") return h("blockquote", {}, inline(line.slice(4).trimStart()));
  const kind = /^\s*• /.test(line) ? "line item" : line === "" ? "line gap" : "line";
  return h("div", { class: kind }, inline(line));
}

/** A text object: plain text, or mrkdwn. */
function textOf(text) {
  if (text.type !== "plain_text") return mrkdwn(text.text);
  return text.text.split("\n").map((line) => h("div", { class: line ? "line" : "line gap" }, line));
}

const EMOJI = { "+1": "👍", fire: "🔥", white_check_mark: "✅", x: "❌", eyes: "👀", tada: "🎉", pray: "🙏", warning: "⚠️", rotating_light: "🚨" };

function richPart(part) {
  const style = part.style ?? {};
  let node;
  switch (part.type) {
    case "text": node = part.text; break;
    case "link": node = link(part.url, part.text || part.url); break;
    case "user": node = mention(userName(part.user_id), part.user_id === state.me.id); break;
    case "usergroup": node = mention(`@${state.groups[part.usergroup_id] ?? part.usergroup_id}`); break;
    case "channel": node = mention(roomName(part.channel_id)); break;
    case "broadcast": node = mention(`@${part.range}`); break;
    case "emoji": node = h("span", { class: "emoji", role: "img", "aria-label": part.name, title: `:${part.name}:` }, EMOJI[part.name] ?? `:${part.name}:`); break;
    case "date": node = h("time", {}, dated(part.timestamp, part.format, part.fallback ?? "")); break;
    default: node = String(part.value ?? "");
  }
  for (const [name, tag] of [["code", "code"], ["strike", "s"], ["italic", "i"], ["bold", "b"]]) if (style[name]) node = h(tag, {}, node);
  return node;
}

function richText(block) {
  return block.elements.map((element) => {
    const inside = () => element.elements.map(richPart);
    switch (element.type) {
      case "rich_text_list":
        return h(element.style === "ordered" ? "ol" : "ul", { class: `indent-${element.indent ?? 0}` },
          element.elements.map((item) => h("li", {}, item.elements.map(richPart))));
      case "rich_text_quote": return h("blockquote", {}, inside());
      case "rich_text_preformatted": return h("pre", {}, inside());
      default: return h("div", { class: "line" }, inside());
    }
  });
}

// ---------------------------------------------------------------------------------------------- blocks

const unsupported = (what, type) => h("div", { class: "unsupported" }, `[unsupported ${what}: ${type}]`);
const picture = (image) => h("span", { class: "picture", title: "The playground loads no pictures" }, `(image: ${image.alt_text})`);

const BLOCKS = {
  actions: (block, at) => h("div", { class: "actions" }, block.elements.filter(forMe).map((each) => element(each, block, at))),
  alert: (block) => h("div", { class: `alert ${block.level ?? "default"}` }, textOf(block.text)),
  card: (block, at) => h("div", { class: "card" }, ["title", "subtitle", "body"].filter((key) => block[key]).map((key) => h("div", { class: key }, textOf(block[key]))),
    block.actions && BLOCKS.actions({ ...block, elements: block.actions }, at)),
  container: (block, at) => h("div", { class: "card" }, block.title && h("h3", {}, textOf(block.title)), block.child_blocks.map((each) => drawn(each, at))),
  context: (block) => h("div", { class: "context" }, block.elements.map((each) => (each.type === "image" ? picture(each) : h("div", {}, textOf(each))))),
  divider: () => h("hr"),
  header: (block) => h("h3", {}, textOf(block.text)),
  image: (block) => h("div", {}, picture(block)),
  input: (block, at) => input(block, at),
  markdown: (block) => block.text.split("\n").map((line) => h("div", { class: line ? "line" : "line gap" }, line)),
  plan: (block) => h("div", { class: "card" }, h("h3", {}, block.title), (block.tasks ?? []).map((task) => BLOCKS.task_card(task))),
  rich_text: (block) => richText(block),
  section: (block, at) => section(block, at),
  table: (block) => h("div", { class: "scrolls" }, h("table", {}, block.rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cellOf(cell))))))),
  task_card: (block) => h("div", { class: "line task" }, `${block.title} (${block.status})`),
};

function cellOf(cell) {
  if (cell.type === "rich_text") return richText(cell);
  return String(cell.type === "raw_number" ? cell.value : cell.text);
}

function section(block, at) {
  return h("div", { class: block.accessory ? "section with-accessory" : "section" },
    h("div", { class: "words" }, block.text && textOf(block.text),
      block.fields && h("div", { class: "fields" }, block.fields.map((field) => h("div", { class: "field" }, textOf(field))))),
    block.accessory && h("div", { class: "accessory" }, element(block.accessory, block, at)));
}

/** A block for the surface `at`: {surface, values, errors, where}. */
function drawn(block, at) {
  const shape = BLOCKS[block.type];
  return h("div", { class: `block ${block.type}`, "data-block": block.block_id }, shape ? shape(block, at) : unsupported("block", block.type));
}

const forMe = (element) => !element.visible_to_user_ids?.length || element.visible_to_user_ids.includes(state.me.id);

/** Draw blocks into `parent`; those that say the same as before stay. */
function syncBlocks(parent, blocks, at) {
  const seen = new Map();
  sync(parent, blocks.map((block, index) => {
    const key = block.block_id || `${index}`;
    const repeated = seen.get(key) ?? 0;
    seen.set(key, repeated + 1);
    const kept = at.values?.[block.block_id] ?? null;
    return {
      key: `${key}/${repeated}`,
      content: [block, block.type === "input" && typed(block) ? null : kept, at.errors?.[block.block_id] ?? null, names()],
      make: () => drawn(block, at),
    };
  }));
}

const TYPED = ["plain_text_input", "number_input", "email_text_input", "url_text_input"];
const typed = (block) => TYPED.includes(block.element?.type);

// ---------------------------------------------------------------------------------------------- elements

const keptOf = (element, block, at) => at.values?.[block.block_id]?.[element.action_id] ?? {};
const labelOf = (element, block) => element.text?.text ?? block.label?.text ?? element.placeholder?.text ?? "Choose";

const ELEMENTS = {
  button,
  image: picture,
  static_select: menu,
  external_select: menu,
  users_select: menu,
  conversations_select: menu,
  channels_select: menu,
  overflow,
  radio_buttons: (each, block, at) => ticks(each, block, at, "radio"),
  checkboxes: (each, block, at) => ticks(each, block, at, "checkbox"),
  plain_text_input: textInput,
  email_text_input: textInput,
  url_text_input: textInput,
  number_input: textInput,
};

function element(each, block, at) {
  const shape = ELEMENTS[each.type];
  return shape ? shape(each, block, at) : unsupported("element", each.type);
}

const idsOf = (each, block, at) => ({ surface: at.surface, block_id: block.block_id, action_id: each.action_id });
const focusOf = (each, block, at) => `${at.where}/${each.action_id}`;

/** Ask as Slack does before a control with a confirm dialog is used. */
async function sure(each) {
  return !each.confirm || (await askBack(each.confirm));
}

function button(each, block, at) {
  const press = async () => {
    if (each.url) {
      const message = PERMALINK.exec(each.url);
      if (message) goTo(message[1], `${message[2]}.${message[3]}`);
      else open(each.url, "_blank", "noopener,noreferrer");
    }
    if (!(await sure(each))) return;
    node.setAttribute("aria-busy", "true");
    following(at);
    const answer = await act("click", idsOf(each, block, at));
    node.removeAttribute("aria-busy");
    if (answer?.warning) note(answer.warning, { kind: "wrong" });
  };
  const node = h("button", {
    type: "button", class: `button ${each.style ?? ""}`, onclick: press, "data-focus": focusOf(each, block, at),
    "aria-label": each.accessibility_label, "aria-haspopup": each.confirm ? "dialog" : null,
  }, each.text.text);
  return node;
}

function chosenIn(each, kept) {
  if (kept.selected_option !== undefined) return kept.selected_option?.text?.text ?? "";
  const user = kept.selected_user ?? each.initial_user;
  if (user) return userName(user);
  const room = kept.selected_conversation ?? kept.selected_channel ?? each.initial_conversation ?? each.initial_channel;
  if (room) return roomName(room);
  return each.initial_option?.text.text ?? "";
}

/** All menus but the overflow: a field to type into, with a list under it. */
function menu(each, block, at) {
  const ids = idsOf(each, block, at);
  const choose = async (option) => {
    if (!(await sure(each))) return false;
    following(at);
    return (await act("pick", { ...ids, value: option.value })) !== null;
  };
  return picker({
    label: block.label?.text ?? each.placeholder?.text ?? "Choose",
    placeholder: each.placeholder?.text ?? "Choose",
    chosen: chosenIn(each, keptOf(each, block, at)),
    least: each.type === "external_select" ? (each.min_query_length ?? 3) : 0,
    slow: each.type === "external_select",
    load: (text) => offered(each, ids, text),
    choose,
    focus: focusOf(each, block, at),
    keeps: at.keeps,
  });
}

const flat = (option, group) => ({ text: option.text.text, description: option.description?.text ?? option.description, value: option.value, group });

/** The options for what is typed; a text instead of a list says why there are none. */
async function offered(each, ids, text) {
  const like = (option) => option.text.toLowerCase().includes(text.toLowerCase().replace(/^[@#]/, ""));
  switch (each.type) {
    case "external_select": {
      const answer = await act("options", { ...ids, typed: text }, false);
      if (!answer.ok) return answer.why;
      return (answer.options ?? []).map((option) => flat({ ...option, text: { text: option.text?.text ?? option.text } }));
    }
    case "users_select":
      return Object.entries(state.users).filter(([id]) => id !== state.app.bot_user)
        .map(([id, name]) => ({ text: `@${name}`, value: id, description: realName(name) })).filter(like);
    case "conversations_select":
    case "channels_select": {
      const include = each.filter?.include ?? ["public", "private", "im", "mpim"];
      const kinds = { channel: "public", group: "private" };
      return state.channels.filter((room) => include.includes(kinds[room.kind] ?? room.kind) && !room.archived)
        .filter((room) => !(room.shared && each.filter?.exclude_external_shared_channels))
        .map((room) => ({ text: `#${room.name}`, value: room.id })).filter(like);
    }
    default:
      return (each.option_groups ?? [each]).flatMap((group) => group.options.map((option) => flat(option, group.label?.text))).filter(like);
  }
}

const realName = (name) => state.personas.find((each) => each.name === name)?.real_name;

let pickers = 0;

function picker({ label, placeholder, chosen, least, slow, load, choose, focus, keeps }) {
  pickers += 1;
  const id = `picker-${pickers}`;
  let options = [];
  let at = -1;
  let asked = 0;
  let waiting = null;
  const field = h("input", {
    type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", placeholder, value: chosen, "aria-label": label,
    "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": id, "data-focus": focus,
  });
  const list = h("div", { id, role: "listbox", class: "list", popover: "manual", "aria-label": label });
  const node = h("span", { class: chosen ? "picker chosen" : "picker" }, field, icon("down"));

  const place = () => {
    const box = node.getBoundingClientRect();
    const room = innerHeight - box.bottom;
    const below = room > 220 || room > box.top;
    list.style.width = `${Math.max(box.width, Math.min(280, innerWidth - 24))}px`;
    list.style.left = `${Math.max(8, Math.min(box.left, innerWidth - Math.max(box.width, 280) - 8))}px`;
    list.style.maxHeight = `${Math.min(320, (below ? room : box.top) - 16)}px`;
    list.style.top = below ? `${box.bottom + 4}px` : "auto";
    list.style.bottom = below ? "auto" : `${innerHeight - box.top + 4}px`;
  };
  const isOpen = () => field.getAttribute("aria-expanded") === "true";
  const mark = (next) => {
    at = next;
    for (const [index, row] of [...list.querySelectorAll("[role=option]")].entries()) {
      row.setAttribute("aria-selected", String(index === at));
      if (index === at) row.scrollIntoView({ block: "nearest" });
    }
    if (at >= 0) field.setAttribute("aria-activedescendant", `${id}-${at}`);
    else field.removeAttribute("aria-activedescendant");
  };
  const say = (text) => { options = []; list.replaceChildren(h("div", { class: "hint" }, text)); mark(-1); };
  const search = async (text) => {
    asked += 1;
    const mine = asked;
    if (text.length < least) return say(`Type ${least} letters or more`);
    if (!options.length) say("Searching …");
    const found = await load(text);
    if (mine !== asked || !isOpen()) return undefined;
    if (typeof found === "string") return say(found);
    if (!found.length) return say(text ? `Nothing fits “${text}”` : "There is nothing to choose from");
    options = found;
    let group;
    list.replaceChildren(...found.flatMap((option, index) => {
      const head = option.group !== group && option.group ? [h("div", { class: "group" }, option.group)] : [];
      group = option.group;
      return [...head, h("div", {
        role: "option", id: `${id}-${index}`, "aria-selected": "false",
        onpointerdown: (event) => event.preventDefault(), onclick: () => take(option),
      }, h("span", {}, option.text), option.description && h("small", {}, option.description))];
    }));
    mark(0);
    return undefined;
  };
  const show = (text = "") => {
    if (isOpen()) return;
    (node.closest("dialog") ?? document.body).append(list);
    field.setAttribute("aria-expanded", "true");
    list.showPopover();
    place();
    addEventListener("scroll", place, true);
    addEventListener("resize", place);
    if (!text) field.select();
    search(text);
  };
  const hide = () => {
    clearTimeout(waiting);
    if (!isOpen()) return;
    field.setAttribute("aria-expanded", "false");
    removeEventListener("scroll", place, true);
    removeEventListener("resize", place);
    list.remove();
    field.value = chosen;
    options = [];
    mark(-1);
  };
  const take = async (option) => {
    hide();
    field.value = option.text;
    field.setAttribute("aria-busy", "true");
    const done = await choose(option);
    field.removeAttribute("aria-busy");
    if (done && keeps) chosen = option.text;
    field.value = chosen;
    node.classList.toggle("chosen", Boolean(chosen));
  };
  node.addEventListener("click", () => { field.focus(); show(); });
  field.addEventListener("input", () => {
    if (!isOpen()) return show(field.value);
    clearTimeout(waiting);
    waiting = setTimeout(() => search(field.value), slow ? 150 : 0);
    return undefined;
  });
  field.addEventListener("blur", hide);
  field.addEventListener("keydown", (event) => {
    if (!isOpen()) {
      if (["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) { event.preventDefault(); show(); }
      return;
    }
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); hide(); }
    if (event.key === "ArrowDown") { event.preventDefault(); mark(Math.min(at + 1, options.length - 1)); }
    if (event.key === "ArrowUp") { event.preventDefault(); mark(Math.max(at - 1, 0)); }
    if (event.key === "Enter") { event.preventDefault(); if (options[at]) take(options[at]); }
  });
  return node;
}

function overflow(each, block, at) {
  const use = async (option) => {
    if (option.url) open(option.url, "_blank", "noopener,noreferrer");
    if (await sure(each)) act("pick", { ...idsOf(each, block, at), value: option.value });
  };
  return dropdown("More", "more", each.options.map((option) => [option.text.text, () => use(option)]), focusOf(each, block, at));
}

/** A button that opens a short list of things to do. */
function dropdown(label, shape, entries, focus) {
  const list = h("div", { role: "menu", class: "list", popover: "auto" }, entries.map(([text, use]) =>
    h("button", { type: "button", role: "menuitem", onclick: () => { list.hidePopover(); use(); } }, text)));
  const trigger = h("button", {
    type: "button", class: "bare", "aria-label": label, title: label, "aria-haspopup": "menu", "data-focus": focus,
    onclick: () => {
      (trigger.closest("dialog") ?? document.body).append(list);
      list.showPopover();
      const box = trigger.getBoundingClientRect();
      list.style.top = `${Math.min(box.bottom + 4, innerHeight - list.offsetHeight - 8)}px`;
      list.style.left = `${Math.max(8, Math.min(box.left, innerWidth - list.offsetWidth - 8))}px`;
      list.querySelector("button")?.focus();
    },
  }, icon(shape));
  list.addEventListener("keydown", (event) => {
    const all = [...list.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus(); }
  });
  list.addEventListener("toggle", (event) => { if (event.newState === "closed") list.remove(); });
  return trigger;
}

let groups = 0;

function ticks(each, block, at, kind) {
  groups += 1;
  const name = `group-${groups}`;
  const kept = keptOf(each, block, at);
  const chosen = kept.selected_options ?? (kept.selected_option ? [kept.selected_option] : null) ?? each.initial_options ?? (each.initial_option ? [each.initial_option] : []);
  const on = new Set(chosen.map((option) => option.value));
  const use = async () => {
    const values = [...node.querySelectorAll("input:checked")].map((box) => box.value);
    const ids = idsOf(each, block, at);
    if (!(await sure(each))) return;
    if (kind === "radio") act("pick", { ...ids, value: values[0] });
    else act("tick", { ...ids, values });
  };
  const node = h("div", { class: "ticks", role: kind === "radio" ? "radiogroup" : "group", "aria-label": labelOf(each, block) },
    each.options.map((option) => h("label", {},
      h("input", { type: kind, name, value: option.value, checked: on.has(option.value), onchange: use, "data-focus": `${focusOf(each, block, at)}/${option.value}` }),
      h("span", { class: "words" }, textOf(option.text), option.description && h("small", {}, textOf(option.description))))));
  return node;
}

function textInput(each, block, at) {
  const kept = keptOf(each, block, at);
  let waiting = null;
  const send = () => {
    clearTimeout(waiting);
    if (waiting === null) return undefined;
    waiting = null;
    return act("type", { ...idsOf(each, block, at), text: node.value });
  };
  const node = h(each.multiline ? "textarea" : "input", {
    type: each.multiline ? null : "text", value: kept.value ?? each.initial_value ?? "", placeholder: each.placeholder?.text,
    "aria-label": labelOf(each, block), maxlength: each.max_length, "data-focus": focusOf(each, block, at), rows: each.multiline ? 3 : null,
    oninput: () => { clearTimeout(waiting); waiting = setTimeout(send, 200); },
  });
  node.flush = send;
  node.classList.add("typed");
  return node;
}

function input(block, at) {
  const error = at.errors?.[block.block_id];
  const node = h("div", { class: error ? "field wrong" : "field" },
    h("div", { class: "label" }, block.label.text, block.optional && h("small", { class: "optional" }, " (optional)")),
    element(block.element, block, at),
    block.hint && h("div", { class: "hint" }, block.hint.text),
    error && h("div", { class: "error", role: "alert" }, error));
  if (error) node.querySelector("[data-focus]")?.setAttribute("aria-invalid", "true");
  return node;
}

// ---------------------------------------------------------------------------------------------- dialogs

/** Slack's own question before a control is used. */
function askBack(dialog) {
  return new Promise((answer) => {
    const before = document.activeElement;
    const end = (said) => { node.close(); node.remove(); before?.focus?.(); answer(said); };
    const node = h("dialog", { class: "confirm", "aria-label": dialog.title.text, oncancel: (event) => { event.preventDefault(); end(false); } },
      h("h2", {}, dialog.title.text),
      h("div", { class: "words" }, textOf(dialog.text)),
      h("div", { class: "buttons" },
        h("button", { type: "button", class: "button", onclick: () => end(false) }, dialog.deny.text),
        h("button", { type: "button", class: `button ${dialog.style ?? "primary"}`, onclick: () => end(true) }, dialog.confirm.text)));
    document.body.append(node);
    node.showModal();
    node.querySelector("button").focus();
  });
}

let modal = null;

function renderModal() {
  const view = state.modal;
  if (!view) {
    if (modal) { modal.node.close(); modal.node.remove(); modal = null; }
    return;
  }
  if (modal && modal.id !== view.id) { modal.node.close(); modal.node.remove(); modal = null; }
  if (!modal) modal = openModal(view);
  const text = (each) => (typeof each === "string" ? each : (each?.text ?? ""));
  modal.node.querySelector("h2").textContent = text(view.title);
  const [close, submit] = modal.node.querySelectorAll(".buttons > button");
  close.textContent = text(view.close) || "Close";
  submit.textContent = text(view.submit);
  submit.hidden = !text(view.submit);
  syncBlocks(modal.body, view.blocks, { surface: { view: view.id }, values: view.values, errors: view.errors, where: view.id, keeps: true });
  if (!modal.shown) {
    modal.shown = true;
    modal.node.showModal();
    modal.body.querySelector("input, textarea, button")?.focus();
  }
}

function openModal(view) {
  const close = () => act("close", {});
  const submit = async () => {
    wrong.hidden = true;
    await Promise.all([...node.querySelectorAll(".typed")].map((field) => field.flush()));
    button.setAttribute("aria-busy", "true");
    ui.follow ??= state.channels.some((room) => room.id === ui.room) ? ui.room : null;
    const answer = await act("submit", {}, false);
    button.removeAttribute("aria-busy");
    if (!answer.ok && !answer.errors) { wrong.textContent = answer.why; wrong.hidden = false; }
  };
  const body = h("div", { class: "body" });
  const wrong = h("p", { class: "error", role: "alert", hidden: true });
  const button = h("button", { type: "submit", class: "button primary" });
  const node = h("dialog", { class: "modal", oncancel: (event) => { event.preventDefault(); close(); } },
    h("form", { onsubmit: (event) => { event.preventDefault(); submit(); } },
      h("header", {}, h("h2", { id: `title-${view.id}` }), h("button", { type: "button", class: "bare", "aria-label": "Close", onclick: close }, icon("close"))),
      body, wrong,
      h("div", { class: "buttons" }, h("button", { type: "button", class: "button", onclick: close }), button)));
  node.setAttribute("aria-labelledby", `title-${view.id}`);
  document.body.append(node);
  return { id: view.id, node, body, shown: false };
}

// ---------------------------------------------------------------------------------------------- top

function face(name, app = false) {
  if (app) return h("span", { class: "face app", "aria-hidden": "true" }, icon("rewind"));
  const known = state.personas.findIndex((each) => each.name === name);
  const hue = known >= 0 ? known : [...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 6;
  return h("span", { class: `face hue-${hue % 6}`, "aria-hidden": "true" }, name.slice(0, 1).toUpperCase());
}

function renderTop() {
  const legend = one("personas").querySelector("legend");
  sync(one("personas"), [
    { key: "legend", content: 0, make: () => legend },
    ...state.personas.map((each) => ({
      key: each.name,
      content: [each, each.name === state.me.name],
      make: () => h("label", { class: "persona", title: `${each.real_name}: ${each.role}` },
        h("input", {
          type: "radio", name: "persona", value: each.name, checked: each.name === state.me.name, "data-focus": `persona/${each.name}`,
          onchange: () => become(each.name),
        }),
        face(each.name), h("span", { class: "who" }, h("b", {}, each.name), h("small", {}, each.role))),
    })),
  ]);
  const news = state.notices.filter((each) => ui.heard && !ui.seen.has(noticeKey(each))).length;
  sync(one("world"), [
    { key: "clock", content: clockWords(), make: () => h("span", { class: "clock", title: "The clock of this world, in your zone" }, clockWords()) },
    {
      key: "speed", content: state.speed,
      make: () => h("span", { class: "speed", role: "group", "aria-label": "How fast time runs" }, [1, 10].map((speed) =>
        h("button", { type: "button", "aria-pressed": String(state.speed === speed), onclick: () => world("time", { speed }), "data-focus": `speed/${speed}` }, `×${speed}`)),
      h("button", { type: "button", title: "Let five minutes pass", onclick: () => world("time", { plus: 300 }), "data-focus": "plus" }, "+5 min")),
    },
    { key: "bot", content: state.bot.state, make: botPill },
    {
      key: "bell", content: [news, state.notices, names()],
      make: () => dropdownOfNotices(news),
    },
  ]);
}

const clockWords = () => exact(Math.floor(seconds(state.now)));

function botPill() {
  const { state: how } = state.bot;
  const [label, action] = how === "running" ? ["Kill the bot", "kill"] : ["Start the bot", "start"];
  return h("span", { class: `bot ${how}` }, h("span", { class: "dot", "aria-hidden": "true" }), h("span", { class: "how" }, `bot ${how}`),
    h("button", { type: "button", disabled: how === "starting", title: action === "kill" ? "As kill -9: nothing is saved, nothing is said" : null,
      onclick: () => world("bot", { action }), "data-focus": "bot" }, how === "starting" ? "…" : label));
}

function dropdownOfNotices(count) {
  const recent = state.notices.slice(-8).reverse();
  const entries = recent.map((each) => [`${roomLabel(each.channel)}: ${plain(each.text)}`, () => { ui.seen.add(noticeKey(each)); goTo(each.channel, each.ts); }]);
  const node = dropdown(count ? `${count} new mentions of you` : "Mentions of you", "bell", entries.length ? entries : [["Nobody has mentioned you yet", () => {}]], "bell");
  if (count) node.append(h("span", { class: "count", "aria-hidden": "true" }, String(count)));
  return node;
}

/** A notice has its marks as they were written: shown are the words. */
const plain = (text) => text.replace(/[*`#]/g, "").trim().slice(0, 110);

function become(name) {
  history.replaceState(null, "", `#${encodeURIComponent(name)}`);
  ui.thread = null;
  ui.follow = null;
  connect(name);
}

addEventListener("hashchange", () => {
  const name = decodeURIComponent(location.hash.slice(1));
  if (state && name && name !== state.me.name) become(name);
});

// ---------------------------------------------------------------------------------------------- rooms

const roomOf = (id) => state.channels.find((room) => room.id === id);
const roomLabel = (id) => {
  const room = roomOf(id);
  if (room?.kind === "im") return state.app.name;
  return roomName(id);
};

function show(what) {
  one("app").dataset.show = what;
}

function openRoom(id) {
  ui.room = id;
  ui.editing = null;
  if (id === "home") act("home", {});
  show("place");
  render();
  if (id !== "home") one("composer")?.focus();
}

function openThread(channel, ts) {
  ui.thread = { channel, ts };
  ui.tab = "thread";
  ui.follow = null;
  show("side");
  render();
}

function openTab(tab) {
  ui.tab = tab;
  show("side");
  render();
}

function goTo(channel, ts) {
  if (!roomOf(channel)) { note("You are not in that conversation."); return; }
  if (ui.room !== channel) openRoom(channel);
  const message = (state.messages[channel] ?? []).find((each) => each.ts === ts);
  const root = message?.thread_ts ?? ts;
  if (message && (message.thread_ts || message.replies)) openThread(channel, root);
  const node = document.querySelector(`#side [data-ts="${ts}"]`) ?? document.querySelector(`#place [data-ts="${ts}"]`);
  node?.scrollIntoView({ block: "center" });
  node?.classList.add("found");
  setTimeout(() => node?.classList.remove("found"), 2000);
}

function entry(key, { label, shape, on, go, unread, mentions, extra }) {
  return {
    key, content: [label, on, unread, mentions, extra],
    make: () => h("button", { type: "button", class: "room", "aria-current": on ? "page" : null, onclick: go, "data-focus": `room/${key}` },
      shape.length === 1 ? h("span", { class: "icon", "aria-hidden": "true" }, shape) : icon(shape),
      h("span", { class: unread && !on ? "name unread" : "name" }, label),
      unread && !on ? h("span", { class: "hidden" }, `, ${unread} unread`) : null,
      extra && h("small", {}, extra),
      mentions ? h("span", { class: "count", title: `${mentions} mentions` }, String(mentions)) : null),
  };
}

function renderRooms() {
  const rooms = state.channels.filter((room) => room.kind !== "im");
  const direct = state.channels.find((room) => room.kind === "im");
  const shortcuts = (state.app.shortcuts ?? []).filter((each) => each.type === "global");
  const here = one("app").dataset.show !== "side";
  const item = (room, extra) => entry(room.id, {
    label: room.kind === "im" ? "Messages" : room.name, shape: room.kind === "im" ? "chat" : room.private ? "lock" : "#",
    on: ui.room === room.id, go: () => openRoom(room.id), unread: room.unread, mentions: room.mentions, extra,
  });
  const head = (text) => ({ key: `head/${text}`, content: text, make: () => h("h2", {}, text) });
  sync(one("rooms"), [
    head("Channels"),
    ...rooms.map((room) => item(room, room.archived ? "archived" : room.shared ? "shared" : null)),
    head(state.app.name),
    entry("home", { label: "Home", shape: "home", on: ui.room === "home", go: () => openRoom("home") }),
    ...(direct ? [item(direct)] : []),
    ...shortcuts.map((each) => entry(`shortcut/${each.callback_id}`, { label: each.name, shape: "bolt", go: () => useShortcut(each.callback_id) })),
    { key: "beside", content: [here], make: () => h("h2", { class: "narrow" }, "Beside it") },
    ...Object.entries(TABS).filter(([tab]) => tab !== "thread").map(([tab, [label, shape]]) => {
      const made = entry(`tab/${tab}`, { label, shape, go: () => openTab(tab) });
      return { ...made, make: () => { const node = made.make(); node.classList.add("narrow"); return node; } };
    }),
    head("Cluster"),
    ...(state.cluster?.vms ?? []).map((vm) => ({
      key: `vm/${vm.namespace}/${vm.name}`, content: vm.status,
      make: () => h("button", { type: "button", class: "room vm", onclick: () => openTab("cluster"), "data-focus": `vm/${vm.namespace}/${vm.name}` },
        h("span", { class: `dot ${tone(vm.status)}`, "aria-hidden": "true" }),
        h("span", { class: "name" }, vm.name, h("small", {}, `${vm.namespace} · ${vm.status}`))),
    })),
  ]);
}

function useShortcut(callback) {
  const room = roomOf(ui.room);
  if (room) ui.follow = room.id;
  act("shortcut", { callback_id: callback, ...(room ? { channel: room.id } : {}) });
}

// ---------------------------------------------------------------------------------------------- messages

const rootOf = (message) => message.thread_ts ?? message.ts;
const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;

function inRoom(id) {
  return (state.messages[id] ?? []).filter((message) => !isReply(message) || message.broadcast);
}

function inThread(id, ts) {
  return (state.messages[id] ?? []).filter((message) => rootOf(message) === ts);
}

/** After this the thread that the bot answers in opens by itself, where there is room for it. */
function following(at) {
  if (at.surface.channel && !at.inThread) ui.follow = at.surface.channel;
}

function followAnswer() {
  if (!ui.follow || !matchMedia("(min-width: 1101px)").matches) return;
  const mine = (state.messages[ui.follow] ?? []).filter((each) => each.replies && seconds(state.now) - Number(each.ts) < 30);
  const newest = mine.at(-1);
  if (!newest || ui.follow !== ui.room) return;
  if (ui.tab === "thread" && ui.thread?.ts === newest.ts) return;
  ui.thread = { channel: ui.follow, ts: newest.ts };
  ui.tab = "thread";
  ui.follow = null;
  // Who has just asked, and writes nothing else, answers there.
  const field = one("composer");
  if (document.activeElement === field && !field.value) setTimeout(() => one("reply")?.focus());
}

function messageItems(messages, { thread }) {
  let before = null;
  return messages.map((message) => {
    const joined = before && before.name === message.name && !before.app && !message.app && message.ephemeral === before.ephemeral && Number(message.ts) - Number(before.ts) < 120 && !message.broadcast;
    before = message;
    const key = `${thread ? "t" : "c"}/${message.channel}/${message.ts}${message.ephemeral ? "/e" : ""}`;
    return {
      key,
      content: [message, joined, ui.editing === key, names()],
      make: () => {
        const node = h("article", { "data-ts": message.ts, "data-kind": message.ephemeral ? "ephemeral" : null });
        node.append(h("div", { class: "side" }), h("div", { class: "what" }, h("div", { class: "head" }), h("div", { class: "said" }), h("div", { class: "foot" })), h("div", { class: "tools" }));
        fillMessage(node, message, { joined, thread, key });
        return node;
      },
      change: (node) => fillMessage(node, message, { joined, thread, key }),
    };
  });
}

function fillMessage(node, message, { joined, thread, key }) {
  node.className = `message${joined ? " joined" : ""}${message.ephemeral ? " ephemeral" : ""}${message.app ? " app" : ""}`;
  node.setAttribute("aria-label", `${message.name}, ${clock(Number(message.ts))}`);
  const [side, what, tools] = node.children;
  const [head, said, foot] = what.children;
  const at = clock(Number(message.ts));
  side.replaceChildren(joined ? h("time", { class: "quiet" }, at) : face(message.name, message.user === state.app.bot_user));
  head.replaceChildren(...(joined ? [] : [h("b", {}, message.name), message.app ? h("span", { class: "badge" }, "APP") : "", h("time", { title: message.ts }, at)]),
    message.ephemeral ? h("span", { class: "mark" }, "Only visible to you") : "",
    message.broadcast ? h("span", { class: "mark" }, thread ? "also sent to the channel" : "replied to a thread") : "");
  drawBody(said, message, { thread, key });
  if (message.edited && !message.app) said.append(h("small", { class: "edited" }, "(edited)"));
  foot.replaceChildren();
  if (!thread && message.broadcast) foot.append(h("button", { type: "button", class: "plain", onclick: () => openThread(message.channel, rootOf(message)) }, "View thread"));
  else if (!thread && message.replies) {
    foot.append(h("button", {
      type: "button", class: message.unread_replies ? "replies unread" : "replies", onclick: () => openThread(message.channel, message.ts), "data-focus": `replies/${message.ts}`,
    }, icon("reply"), `${message.replies} ${message.replies === 1 ? "reply" : "replies"}`));
  }
  tools.replaceChildren(...toolsOf(message, { thread, key }));
}

function drawBody(said, message, { thread, key }) {
  if (ui.editing === key) {
    held.delete(said);
    said.replaceChildren(editor(message));
    return;
  }
  for (const small of said.querySelectorAll(":scope > .edited")) small.remove();
  const where = `${thread ? "t" : "c"}/${message.ts}`;
  const surface = { channel: message.channel, ts: message.ts };
  if (message.deleted) sync(said, [{ key: "gone", content: 0, make: () => h("i", { class: "quiet" }, "This message was deleted.") }]);
  else if (message.blocks?.length) syncBlocks(said, message.blocks, { surface, where, inThread: thread, values: message.values });
  else sync(said, [{ key: "text", content: [message.text, names()], make: () => h("div", { class: "block" }, mrkdwn(message.text)) }]);
}

function toolsOf(message, { thread, key }) {
  if (message.deleted || message.ephemeral) return [];
  const tool = (label, shape, go) => h("button", { type: "button", class: "bare", "aria-label": label, title: label, onclick: go, "data-focus": `${key}/${label}` }, icon(shape));
  const shortcuts = (state.app.shortcuts ?? []).filter((each) => each.type === "message");
  const room = roomOf(message.channel);
  return [
    thread ? null : tool("Reply in thread", "reply", () => { openThread(message.channel, rootOf(message)); one("reply")?.focus(); }),
    ...shortcuts.map((each) => tool(each.name, "bolt", () => act("message_shortcut", { callback_id: each.callback_id, channel: message.channel, ts: message.ts }))),
    message.mine && !room?.archived ? tool("Edit message", "edit", () => { ui.editing = key; render(); }) : null,
    message.mine ? tool("Delete message", "bin", () => act("delete", { channel: message.channel, ts: message.ts })) : null,
  ].filter(Boolean);
}

function editor(message) {
  const end = () => { ui.editing = null; render(); };
  const field = h("textarea", {
    rows: 2, value: plainOf(message), "aria-label": "Edit message",
    onkeydown: async (event) => {
      if (event.key === "Escape") { event.stopPropagation(); end(); }
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        if ((await act("edit", { channel: message.channel, ts: message.ts, text: field.value })) !== null) end();
      }
    },
  });
  setTimeout(() => field.focus());
  return h("div", { class: "editing" }, field, h("small", {}, "Enter saves, Escape leaves it as it was"));
}

/** What was typed, from what Slack made of it. */
function plainOf(message) {
  return unescape(message.text.replace(/<([^<>|]+)(?:\|([^<>]*))?>/g, (_, target, label) => {
    if (target.startsWith("@")) return userName(target.slice(1));
    if (target.startsWith("#")) return roomName(target.slice(1));
    if (target.startsWith("!subteam^")) return `@${state.groups[target.slice(9)] ?? label ?? ""}`;
    if (target.startsWith("!")) return `@${target.slice(1)}`;
    return label || target;
  }));
}

/** Scroll so that a message is seen from its beginning; the last ones, as far down as there is something. */
function reveal(log, node) {
  if (node) log.scrollTop += node.getBoundingClientRect().top - log.getBoundingClientRect().top - 8;
  log.reached = log.scrollTop;
}

/** Draw messages into a log. Who has not scrolled away is shown each new message from its beginning. */
function syncLog(log, items) {
  const before = held.get(log);
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  const follows = atEnd || log.scrollTop >= (log.reached ?? 0) - 60;
  sync(log, items);
  const added = before && items.find((item) => !before.has(item.key));
  if (added && follows) reveal(log, held.get(log).get(added.key).node);
  else if (atEnd) reveal(log, log.lastElementChild);
}

/** A log that is opened begins with its last message. */
function openedLog(label, fill) {
  const node = h("div", { class: "log", role: "log", "aria-label": label, tabindex: "0" });
  fill(node);
  requestAnimationFrame(() => reveal(node, node.lastElementChild));
  return node;
}

// ---------------------------------------------------------------------------------------------- composer

const drafts = new Map();

function composer(id, { key, channel, thread, placeholder }) {
  const offer = h("div", { class: "offer", role: "listbox", "aria-label": "Names that fit", hidden: true, id: `${id}-offer` });
  const wrong = h("p", { class: "error", role: "alert", hidden: true });
  const also = thread ? h("label", { class: "also" }, h("input", { type: "checkbox" }), ` Also send to ${roomLabel(channel)}`) : null;
  let at = 0;
  let fits = [];
  let command = false;

  const typedName = () => /(?:^|\s)@([\w.-]*)$/.exec(field.value.slice(0, field.selectionStart));
  const people = () => [...new Set([...Object.values(state.users), ...Object.values(state.groups)])];
  const grow = () => { field.style.height = "auto"; field.style.height = `${Math.min(field.scrollHeight + 2, 180)}px`; };
  const complete = (name) => {
    const found = typedName();
    const start = field.selectionStart - found[1].length;
    field.setRangeText(`${name} `, start, field.selectionStart, "end");
    drafts.set(key, field.value);
    refit();
  };
  const refit = () => {
    const found = typedName();
    command = !thread && field.value.startsWith("/") && field.value !== state.app.command && state.app.command.startsWith(field.value);
    fits = found ? people().filter((name) => name.startsWith(found[1].toLowerCase())).slice(0, 8) : [];
    if (fits.length === 1 && fits[0] === found[1]) fits = [];
    at = 0;
    offer.hidden = !fits.length && !command;
    offer.replaceChildren(...(command
      ? [h("div", { class: "hint" }, h("b", {}, state.app.command), " ", state.app.usage ?? "database-01 from pre-upgrade-snapshot in production")]
      : fits.map((name, index) => h("div", {
        role: "option", "aria-selected": String(index === at), onpointerdown: (event) => event.preventDefault(), onclick: () => complete(name),
      }, `@${name}`, realName(name) && h("small", {}, realName(name))))));
    field.setAttribute("aria-expanded", String(!offer.hidden));
  };
  const move = (step) => {
    at = (at + step + fits.length) % fits.length;
    for (const [index, row] of [...offer.children].entries()) row.setAttribute("aria-selected", String(index === at));
  };
  const send = async () => {
    const text = field.value;
    if (!text.trim()) return;
    wrong.hidden = true;
    const slash = text.startsWith("/");
    if (slash && thread) {
      wrong.textContent = `${text.split(/\s/)[0]} cannot be used in a thread, in Slack as here. Write it in the channel.`;
      wrong.hidden = false;
      return;
    }
    field.value = "";
    drafts.delete(key);
    grow();
    refit();
    if (!thread) ui.follow = channel;
    const broadcast = also?.querySelector("input").checked || undefined;
    if (also) also.querySelector("input").checked = false;
    const answer = await act(slash ? "slash" : "say", { channel, text, ...(thread ? { thread, broadcast } : {}) }, false);
    if (answer.ok && !answer.warning) return;
    wrong.textContent = answer.why ?? answer.warning;
    wrong.hidden = false;
    if (!answer.ok && !field.value) { field.value = text; grow(); }
  };
  const field = h("textarea", {
    id, rows: 1, placeholder, "aria-label": placeholder, value: drafts.get(key) ?? "", "aria-controls": `${id}-offer`, "data-focus": id,
    oninput: () => { drafts.set(key, field.value); wrong.hidden = true; grow(); refit(); },
    onblur: () => { offer.hidden = true; },
    onkeydown: (event) => {
      if (fits.length && !offer.hidden) {
        if (event.key === "ArrowDown") { event.preventDefault(); move(1); return; }
        if (event.key === "ArrowUp") { event.preventDefault(); move(-1); return; }
        if (event.key === "Tab" || event.key === "Enter") { event.preventDefault(); complete(fits[at]); return; }
      }
      if (event.key === "Tab" && !event.shiftKey && command && !offer.hidden) { event.preventDefault(); put(`${state.app.command} `); refit(); return; }
      if (event.key === "Escape" && !offer.hidden) { event.preventDefault(); event.stopPropagation(); fits = []; offer.hidden = true; return; }
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
    },
  });
  const put = (text) => { field.value = text; drafts.set(key, text); grow(); field.focus(); };
  const node = h("div", { class: "composer" }, offer, wrong,
    h("div", { class: "box" }, field,
      h("button", { type: "button", class: "send", "aria-label": "Send", title: "Send (Enter)", onclick: send }, icon("send"))), also);
  node.put = put;
  return node;
}

// ---------------------------------------------------------------------------------------------- the place in the middle

const back = (to) => h("button", { type: "button", class: "bare back", "aria-label": "Back", onclick: () => show(to) }, icon("back"));

function hints(put) {
  const ask = `@${state.users[state.app.bot_user] ?? "vm-restore"} the upgrade failed, restore database-01 from pre-upgrade-snapshot`;
  return h("section", { class: "hints", "aria-label": "How to begin" },
    h("header", {}, h("h2", {}, "Try it: restore a VM"), h("button", { type: "button", class: "bare", "aria-label": "Hide these hints", onclick: () => { ui.hints = false; render(); } }, icon("close"))),
    h("p", {}, "This is the real bot. Slack and the cluster are simulated, on this machine alone: nothing can break."),
    h("ol", {},
      h("li", {}, h("span", {}, "As ", h("b", {}, "alice"), ", write "), h("q", {}, ask), h("div", { class: "do" }, h("button", { type: "button", class: "button primary", onclick: () => put(ask) }, "Write it for me"), h("small", {}, "then press Enter"))),
      h("li", {}, "Answer in the thread that opens: the bot asks for what is missing, then for two confirmations."),
      h("li", {}, "Watch the cluster beside it. ", h("button", { type: "button", class: "plain", onclick: () => openTab("trouble") }, "Break something"), " in the middle, or play a ", h("button", { type: "button", class: "plain", onclick: () => openTab("drills") }, "drill"), ".")));
}

function renderPlace() {
  const place = one("place");
  if (ui.room === "home") {
    sync(place, [
      { key: "home/head", content: state.app.name, make: () => h("header", { class: "title" }, back("rooms"), face("", true), h("h1", {}, state.app.name), h("span", { class: "quiet" }, "Home")) },
      {
        key: "home/body", content: [state.home, names(), state.now.slice(0, 16)],
        make: () => { const node = h("div", { class: "log home", tabindex: "0", "aria-label": "Home" }); fillHome(node); return node; },
        change: fillHome,
      },
    ]);
    return;
  }
  const room = roomOf(ui.room);
  if (!room) { sync(place, [{ key: "none", content: 0, make: () => h("p", { class: "empty" }, "You are in no channel. Choose another person at the top.") }]); return; }
  const writable = !room.archived;
  const fresh = ui.hints && !state.drill && room.kind !== "im" && state.me.name === state.personas[0]?.name && !inRoom(room.id).some((each) => each.app || each.replies);
  const im = room.kind === "im";
  sync(place, [
    {
      key: `head/${room.id}`, content: [room.topic, room.archived, room.shared, room.name],
      make: () => h("header", { class: "title" }, back("rooms"), im ? face("", true) : null, h("h1", {}, im ? state.app.name : `#${room.name}`),
        h("span", { class: "quiet" }, im ? "Messages" : room.archived ? "archived" : (room.topic ?? ""))),
    },
    {
      key: `log/${room.id}`, content: [state.messages[room.id], ui.editing, names(), fresh],
      make: () => openedLog(im ? state.app.name : `#${room.name}`, (node) => fillRoom(node, room, fresh)),
      change: (node) => fillRoom(node, room, fresh),
    },
    writable
      ? { key: `composer/${room.id}/${state.me.id}`, content: 0, make: () => composer("composer", { key: `${state.me.id}/${room.id}`, channel: room.id, placeholder: im ? `Message ${state.app.name}` : `Message #${room.name}` }) }
      : { key: "closed", content: 0, make: () => h("p", { class: "empty" }, "Nobody can write here any more.") },
  ]);
}

function fillRoom(node, room, fresh) {
  const items = messageItems(inRoom(room.id), { thread: false });
  const put = (text) => document.querySelector("#place .composer")?.put(text);
  if (fresh) items.push({ key: "hints", content: 0, make: () => hints(put) });
  else if (!items.length) items.push({ key: "empty", content: 0, make: () => h("p", { class: "empty" }, "Nothing has been said here yet.") });
  syncLog(node, items);
}

function fillHome(node) {
  if (!state.home) { held.delete(node); node.replaceChildren(h("p", { class: "empty" }, "The bot has not drawn its Home tab for you yet.")); return; }
  syncBlocks(node, state.home.blocks, { surface: { view: state.home.id }, values: state.home.values, where: "home" });
}

// ---------------------------------------------------------------------------------------------- beside it

const TABS = {
  thread: ["Thread", "reply"],
  cluster: ["Cluster", "disks"],
  trouble: ["Break it", "bolt"],
  story: ["What happened", "list"],
  drills: ["Drills", "flag"],
};

function renderSide() {
  const side = one("side");
  if (ui.tab === "thread" && !ui.thread) ui.tab = "cluster";
  const tabs = Object.keys(TABS).filter((tab) => tab !== "thread" || ui.thread);
  const choose = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    ui.tab = tabs[(tabs.indexOf(ui.tab) + step + tabs.length) % tabs.length];
    render();
    document.querySelector("#side [role=tab][aria-selected=true]").focus();
  };
  sync(side, [
    {
      key: "tabs", content: [ui.tab, tabs, Boolean(state.drill)],
      make: () => h("header", { class: "tabs" }, back("place"), h("div", { role: "tablist", "aria-label": "Beside the channel", onkeydown: choose }, tabs.map((tab) =>
        h("button", {
          type: "button", role: "tab", "aria-selected": String(tab === ui.tab), tabindex: tab === ui.tab ? "0" : "-1", "data-focus": `tab/${tab}`, onclick: () => openTab(tab),
        }, TABS[tab][0], tab === "drills" && state.drill?.state === "playing" ? h("span", { class: "dot good" }) : null)))),
    },
    ...{ thread: threadItems, cluster: clusterItems, trouble: troubleItems, story: storyItems, drills: drillItems }[ui.tab](),
  ]);
}

function threadItems() {
  const { channel, ts } = ui.thread;
  const room = roomOf(channel);
  if (!room) { ui.thread = null; return []; }
  const messages = inThread(channel, ts);
  const fill = (node) => syncLog(node, messageItems(messages, { thread: true }));
  return [
    {
      key: `thread/${channel}/${ts}`, content: [messages, ui.editing, names()],
      make: () => openedLog(`Thread in ${roomLabel(channel)}`, fill),
      change: fill,
    },
    ...(room.archived ? [] : [{ key: `reply/${channel}/${ts}/${state.me.id}`, content: 0, make: () => composer("reply", { key: `${state.me.id}/${channel}/${ts}`, channel, thread: ts, placeholder: "Reply in this thread" }) }]),
  ];
}

/** How a status looks: good, busy, bad or quiet. */
function tone(status) {
  if (/running|true|succeeded|^ready$|bound/i.test(status)) return "good";
  if (/fail|error|crash|lost|false|unschedulable/i.test(status)) return "bad";
  if (/stopped|halted|^no/i.test(status)) return "quiet";
  return "busy";
}

const pill = (text, how = tone(text)) => h("span", { class: `pill ${how}` }, text);

function scrolled(key, content, make) {
  return { key, content, make: () => h("div", { class: "log panel", tabindex: "0", "aria-label": key }, make()), change: (node) => patch(node, make()) };
}

/** Replace what a panel shows, and keep where it is scrolled to. */
function patch(node, made) {
  const top = node.scrollTop;
  node.replaceChildren(...[made].flat(Infinity).filter(Boolean));
  node.scrollTop = top;
}

function clusterItems() {
  const cluster = state.cluster ?? {};
  const restores = cluster.restores ?? [];
  return [scrolled("Cluster", [cluster, state.now.slice(0, 16)], () => [
    restores.length ? [h("h2", {}, "Restores"), restores.map(restoreCard)] : null,
    h("h2", {}, "Virtual machines"),
    (cluster.vms ?? []).map(vmCard),
    looseClaims(cluster),
    h("h2", {}, "Snapshots"),
    cluster.snapshots?.length ? cluster.snapshots.map(snapshotCard) : h("p", { class: "quiet" }, "No snapshot exists."),
  ])];
}

function vmCard(vm) {
  const stopped = /stopped|halted/i.test(vm.status);
  const [label, action] = stopped ? ["Start", "start"] : ["Stop", "stop"];
  return h("article", { class: "thing", "aria-label": `VM ${vm.name} in ${vm.namespace}` },
    h("header", {}, h("b", {}, vm.name), h("small", {}, vm.namespace), pill(vm.status),
      h("button", {
        type: "button", class: "button small", "data-focus": `start/${vm.namespace}/${vm.name}`, title: "As somebody with kubectl would, without the bot",
        onclick: () => world("vm", { namespace: vm.namespace, name: vm.name, action }),
      }, label)),
    h("dl", {}, h("dt", {}, "Runs"), h("dd", {}, vm.run_strategy ?? "–"),
      (vm.disks ?? []).flatMap((disk) => [h("dt", {}, disk.name), h("dd", {}, h("code", {}, disk.claim), h("small", {}, [disk.size, disk.storage_class].filter(Boolean).join(" · ")), disk.bound === false ? pill("not bound", "busy") : null)])));
}

/** The claims that no VM uses: those of a restore under way, and those that it left behind. */
function looseClaims(cluster) {
  const used = new Set((cluster.vms ?? []).flatMap((vm) => (vm.disks ?? []).map((disk) => `${vm.namespace}/${disk.claim}`)));
  const loose = (cluster.claims ?? []).filter((each) => !used.has(`${each.namespace}/${each.name}`));
  if (!loose.length) return null;
  return [h("h2", {}, "Claims that no VM uses"), loose.map((each) => h("article", { class: "thing", "aria-label": `Claim ${each.name}` },
    h("header", {}, h("code", {}, each.name), h("small", {}, [each.namespace, each.size, each.storage_class].filter(Boolean).join(" · ")),
      pill(each.bound ? "bound" : "not bound", each.bound ? "quiet" : "busy"))))];
}

function restoreCard(restore) {
  const how = restore.complete ? ["complete", "good"] : (restore.conditions ?? []).some((each) => each.type === "Failure" && each.status === "True") ? ["failed", "bad"] : ["under way", "busy"];
  return h("article", { class: "thing", "aria-label": `Restore ${restore.name}` },
    h("header", {}, h("b", {}, restore.name), pill(...how)),
    h("dl", {}, h("dt", {}, "Puts back"), h("dd", {}, h("code", {}, restore.vm), " from ", h("code", {}, restore.snapshot)),
      (restore.conditions ?? []).flatMap((each) => [h("dt", {}, each.type), h("dd", {}, `${each.status}${each.reason ? ` · ${each.reason}` : ""}`, each.message && each.message !== each.reason && h("small", { class: "wide" }, each.message))])));
}

function snapshotCard(snapshot) {
  const how = snapshot.going ? ["being deleted", "bad"] : snapshot.content && snapshot.content !== "there" ? [`content ${snapshot.content}`, "bad"] : snapshot.ready ? ["ready", "good"] : ["not ready", "busy"];
  const taken = snapshot.created ? `taken ${ago(seconds(snapshot.created))}` : "not taken yet";
  return h("article", { class: "thing", "aria-label": `Snapshot ${snapshot.name}` },
    h("header", {}, h("b", {}, snapshot.name), h("small", {}, `of ${snapshot.vm} in ${snapshot.namespace}`), pill(...how)),
    h("p", {}, [taken, snapshot.consistency].filter(Boolean).join(" · ")));
}

function troubleItems() {
  return [scrolled("Break it", [state.troubles, state.bot], () => [
    h("p", { class: "quiet" }, "At a click, and back at another. The bot is not told: see what it says, and what it asks the cluster for."),
    h("div", { class: "switches" }, (state.troubles ?? []).map(troubleSwitch)),
    h("h2", {}, "The bot and its memory"),
    h("div", { class: "row" },
      state.bot.state === "running"
        ? h("button", { type: "button", class: "button", onclick: () => world("bot", { action: "kill" }), "data-focus": "bot2" }, "Kill the bot")
        : h("button", { type: "button", class: "button primary", disabled: state.bot.state === "starting", onclick: () => world("bot", { action: "start" }), "data-focus": "bot2" }, "Start the bot"),
      h("button", { type: "button", class: "button", onclick: () => world("redis", { action: "restart" }), "data-focus": "redis" }, "Restart Redis")),
    h("p", { class: "quiet" }, "The bot dies as by kill -9. What it has done so far stands in Redis and in the cluster; start it, and it goes on."),
  ])];
}

function troubleSwitch(each) {
  return h("label", { class: "switch" },
    h("input", { type: "checkbox", role: "switch", checked: each.on, "data-focus": `trouble/${each.id}`, onchange: (event) => world("trouble", { id: each.id, on: event.target.checked }) }),
    h("span", {}, each.label, each.note && h("small", {}, each.note)));
}

const SOURCES = { slack: "Slack", document: "Document", cluster: "Cluster", audit: "Audit" };

function storyItems() {
  const stories = new Map();
  for (const each of state.timeline ?? []) {
    if (!stories.has(each.restore)) stories.set(each.restore, []);
    stories.get(each.restore).push(each);
  }
  const toggle = (source) => { if (!ui.sources.delete(source)) ui.sources.add(source); render(); };
  return [scrolled("What happened", [state.timeline, [...ui.sources], names()], () => [
    h("p", { class: "quiet" }, "Each restore from its first word to its end: what was asked, typed, clicked and checked, and what the cluster was really asked to change."),
    h("div", { class: "row filter", role: "group", "aria-label": "Shown" }, Object.entries(SOURCES).map(([source, label]) =>
      h("button", { type: "button", class: `source ${source}`, "aria-pressed": String(ui.sources.has(source)), "data-focus": `source/${source}`, onclick: () => toggle(source) }, label))),
    stories.size ? [...stories].map(([restore, entries]) => h("section", { class: "story" }, h("h2", {}, restore ? `Restore ${restore}` : "Before any restore"),
      h("ol", {}, entries.filter((each) => ui.sources.has(each.source)).map((each) => h("li", { class: each.source },
        h("time", {}, exact(seconds(each.at))), h("span", { class: `source ${each.source}` }, SOURCES[each.source] ?? each.source),
        h("span", { class: "text" }, each.who ? h("b", {}, `${each.who} `) : null, each.text)))))) : h("p", { class: "empty" }, "No restore was asked for yet."),
  ])];
}

function drillItems() {
  const { drill } = state;
  return [scrolled("Drills", [drill, state.drills], () => [
    h("p", { class: "quiet" }, "Short stories for a team. Somebody plays, somebody watches; in the end you see what the cluster was really asked."),
    drill ? playing(drill) : null,
    (state.drills ?? []).filter((each) => each.id !== drill?.id).map((each) => h("article", { class: "thing drill", "aria-label": each.title },
      h("header", {}, h("b", {}, each.title), h("small", {}, each.length),
        h("button", {
          type: "button", class: "button small", "data-focus": `drill/${each.id}`, disabled: drill?.state === "playing", "aria-label": `Start the drill: ${each.title}`,
          onclick: () => startDrill(each.id),
        }, "Start")),
      h("p", {}, each.goal))),
  ])];
}

/** A drill is played in its channel. */
async function startDrill(id) {
  if ((await world("drill", { id, action: "start" })) === null) return;
  const room = state.channels.find((each) => each.name === "incidents");
  ui.thread = null;
  if (room) openRoom(room.id);
}

function lines(text) {
  return (Array.isArray(text) ? text : String(text ?? "").split("\n")).map((line) => h("div", { class: "line" }, line));
}

function playing(drill) {
  const over = drill.state !== "playing";
  return h("article", { class: "thing playing", "aria-label": `Drill: ${drill.title}` },
    h("header", {}, h("b", {}, drill.title), h("small", {}, drill.length), pill(over ? "ended" : "playing", over ? "quiet" : "good")),
    h("dl", {}, h("dt", {}, "Goal"), h("dd", {}, drill.goal), h("dt", {}, "Watch"), h("dd", {}, drill.watch),
      over ? null : [h("dt", {}, `Step ${drill.number} of ${drill.steps}`), h("dd", { class: "step" }, lines(drill.step))],
      drill.result ? [h("dt", {}, "In the end"), h("dd", { class: "result" }, lines(drill.result))] : null),
    h("div", { class: "row" },
      over ? h("button", { type: "button", class: "button small primary", "data-focus": "drill/again", onclick: () => startDrill(drill.id) }, "Play it again") : null,
      h("button", { type: "button", class: "button small", "data-focus": "drill/stop", onclick: () => world("drill", { id: drill.id, action: "stop" }) }, over ? "Put it away" : "End the drill")));
}

/** What is to be done now, over everything else: who plays looks at the thread, not at the list of drills. */
function renderDrill() {
  const { drill } = state;
  one("drill").hidden = !drill;
  sync(one("drill"), !drill ? [] : drill.state === "playing"
    ? [
      { key: "number", content: [drill.id, drill.number, drill.steps], make: () => h("span", { class: "number" }, `${drill.title} · ${drill.number} of ${drill.steps}`) },
      { key: "now", content: drill.step, make: () => h("span", { class: "now" }, drill.step) },
      { key: "more", content: 0, make: () => h("button", { type: "button", class: "plain", onclick: () => openTab("drills"), "data-focus": "drill/more" }, "Goal") },
    ]
    : [
      { key: "number", content: drill.id, make: () => h("span", { class: "number" }, drill.title) },
      { key: "over", content: 0, make: () => h("span", { class: "now" }, "The drill has ended.") },
      { key: "result", content: 0, make: () => h("button", { type: "button", class: "button small primary", onclick: () => openTab("drills"), "data-focus": "drill/result" }, "What the cluster was asked") },
    ]);
}

// ---------------------------------------------------------------------------------------------- all of it

const told = new Map();

/** What is on the screen is read: told once for each state of it. */
function markRead() {
  const showing = one("app").dataset.show;
  const wide = matchMedia("(min-width: 1101px)").matches;
  const room = roomOf(ui.room);
  if (document.hidden) return;
  if (room && (room.unread || room.mentions) && (wide || showing === "place")) tell(room.id, null, (state.messages[room.id] ?? []).at(-1)?.ts);
  if (ui.tab !== "thread" || !ui.thread || !(wide || showing === "side")) return;
  const { channel, ts } = ui.thread;
  const replies = inThread(channel, ts);
  if (replies.some((each) => each.unread_replies)) tell(channel, ts, replies.at(-1)?.ts);
}

function tell(channel, thread, newest) {
  const key = `${state.me.id}/${channel}/${thread}`;
  if (told.get(key) === newest) return;
  told.set(key, newest);
  act("read", { channel, ...(thread ? { thread } : {}) }, false);
}

const noticeKey = (each) => `${each.channel}/${each.ts}`;

/** Tell of new mentions, unless their message is on the screen. */
function hear() {
  for (const each of state.notices) {
    const key = noticeKey(each);
    const there = each.channel === ui.room && document.querySelector(`[data-ts="${each.ts}"]`);
    if (there || ui.heard === null) ui.seen.add(key);
    else if (!ui.heard.has(key)) note(`${roomLabel(each.channel)}: ${plain(each.text)}`, { go: () => goTo(each.channel, each.ts) });
  }
  ui.heard = new Set(state.notices.map(noticeKey));
}

function render() {
  if (!state) return;
  const focused = document.activeElement?.dataset?.focus;
  if (ui.room !== "home" && !roomOf(ui.room)) ui.room = (state.channels.find((room) => room.kind !== "im" && !room.archived) ?? state.channels[0])?.id ?? null;
  followAnswer();
  renderRooms();
  renderPlace();
  renderSide();
  renderModal();
  hear();
  renderTop();
  renderDrill();
  markRead();
  one("app").removeAttribute("aria-busy");
  one("app").dataset.now = state.now;
  if (focused && document.activeElement?.dataset?.focus !== focused && (document.activeElement === document.body || !document.activeElement)) {
    document.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
}

addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || state?.modal || document.querySelector("dialog[open]")) return;
  if (ui.editing) { ui.editing = null; render(); return; }
  if (one("app").dataset.show === "side" && matchMedia("(max-width: 1100px)").matches) show("place");
  else if (ui.tab === "thread" && ui.thread) { ui.thread = null; ui.tab = "cluster"; render(); one("composer")?.focus(); }
});

// The address keeps the person; a jump within the page would be taken for one.
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); show("place"); one("composer")?.focus(); });

connect(ui.as);

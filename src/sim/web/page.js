// The console's behaviour: shows what /api/events tells, and says what its user types. It keeps nothing of its own.
"use strict";

const $ = (id) => document.getElementById(id);
const KINDS = { friend: "好友 Friends", group: "群 Groups", discussion: "讨论组 Discussions", temporary: "临时会话 Temporary" };
// What /api/act can do: the kind of the open chat that it is about, and which of the two fields it takes.
const ACTS = {
  ask_friendship: ["申请加好友 Ask for friendship", "", "name", "text"],
  ask_membership: ["申请加群 Ask to enter the group", "group", "name", "text"],
  join: ["进群 Enter the group", "group", "name"],
  leave: ["退群 Leave the group", "group", "name"],
  remove: ["移出群 Be put out of the group", "group", "name"],
  administrator: ["设为管理员 Become administrator", "group", "name"],
  former: ["取消管理员 Be administrator no more", "group", "name"],
  owner: ["转让群 Own the group", "group", "name"],
  dissolve: ["解散群 Dissolve the group", "group"],
  web: ["分享文件 Share a file", "group", "name", "words"],
  whisper: ["临时会话 Temporary session", "group", "name"],
  type: ["正在输入 Type", "friend"],
  status: ["改状态 (online, away, busy, offline) Set status", "friend", "", "status"],
  add: ["直接加我 Add the account", "", "name"],
  befriend: ["成为好友 Become a friend", "", "name"],
  unfriend: ["删除好友 Be a friend no more", "", "name"],
};
const QR_TEXT = {
  none: "还没有客户端要求登录。No client has asked to log in yet.",
  waiting: "客户端正在显示这个二维码。A client shows this code: scan it.",
  scanned: "已扫描，是否允许登录？Scanned. Allow the login?",
  confirmed: "已允许登录。The login was allowed.",
  expired: "二维码已失效。The code is of no use any more.",
};

let world = { account: { nick: "" }, friends: [], groups: [], discussions: [] };
let faces = new Map();
let chats = new Map(); // "group:name" -> { key, kind, name, members, lines, unread }
let open = null;
let shownCode = 0;

async function call(path, body) {
  const response = await fetch(path, { method: "POST", body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) notice(answer.error);
  return response.ok;
}

let noticeTimer;
function notice(text, isGood = false) {
  $("notice").textContent = text;
  $("notice").classList.toggle("good", isGood);
  $("notice").hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { $("notice").hidden = true; }, 4000);
}

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function avatar(name, target = element("span", "avatar")) {
  let hue = 0;
  for (const character of name) hue = (hue * 31 + character.codePointAt(0)) % 360;
  target.style.setProperty("--hue", hue);
  target.textContent = [...name][0] ?? "?";
  target.setAttribute("aria-hidden", "true");
  return target;
}

/** Text as nodes: [微笑] becomes its emoji. */
function readable(text) {
  return text.split(/(\[[^[\]]{1,20}\])/).filter(Boolean).map((part) => {
    const face = part.startsWith("[") && faces.get(part.slice(1, -1));
    if (!face) return part;
    const shown = element("span", "emoji", face.emoji || part);
    shown.title = part;
    return shown;
  });
}

function meet(kind, name, members, hint) {
  const key = `${kind}:${name}`;
  chats.set(key, { key, kind, name, members, hint, lines: [], unread: 0 });
}

function meetEverybody() {
  chats = new Map();
  for (const friend of world.friends) {
    meet("friend", friend.name, [friend.name], friend.markname ?? friend.nick ?? friend.category ?? "");
  }
  for (const group of world.groups) meet("group", group.name, group.members.map((member) => member.name), "");
  for (const talk of world.discussions) meet("discussion", talk.name, talk.members.map((member) => member.name), "");
}

function showChats() {
  const list = $("chats");
  list.replaceChildren();
  for (const [kind, label] of Object.entries(KINDS)) {
    const these = [...chats.values()].filter((chat) => chat.kind === kind);
    if (these.length === 0) continue;
    list.append(element("h3", "", label));
    for (const chat of these) list.append(chatButton(chat));
  }
}

function chatButton(chat) {
  const last = chat.lines.at(-1);
  const words = element("span", "words", element("span", "name", chat.name));
  const preview = last ? [`${last.who}: `, ...readable(last.text)] : [chat.hint];
  words.append(element("span", "last", ...preview));
  const button = element("button", "", avatar(chat.name), words);
  button.type = "button";
  if (chat.unread) button.append(element("span", "unread", String(chat.unread)));
  if (chat === open) button.setAttribute("aria-current", "true");
  button.addEventListener("click", () => { document.body.classList.add("open"); show(chat); });
  return button;
}

function show(chat) {
  open = chat;
  chat.unread = 0;
  avatar(chat.name, $("face"));
  $("title").textContent = chat.name;
  const everybody = [...chat.members, world.account.nick];
  $("members").textContent = chat.kind === "friend" ? "好友 Friend" : `${everybody.length} 人 members: ${everybody.join("、")}`;
  const options = chat.members.map((name) => new Option(name, name));
  options.push(new Option(`${world.account.nick}（我的手机 my phone）`, world.account.nick));
  $("as").replaceChildren(...options);
  showLines();
  showChats();
}

function showLines() {
  const lines = $("lines");
  lines.replaceChildren(...open.lines.map(lineElement));
  if (open.lines.length === 0) {
    lines.append(element("li", "empty", "还没有消息。Nothing has been said here yet."));
  }
  lines.scrollTop = lines.scrollHeight;
}

/** A bubble in the font that was sent; black stays the colour of the page. */
function dress(bubble, font) {
  const [bold, italic, underline] = font?.style ?? [];
  if (Number(bold) === 1) bubble.style.fontWeight = "bold";
  if (Number(italic) === 1) bubble.style.fontStyle = "italic";
  if (Number(underline) === 1) bubble.style.textDecoration = "underline";
  const color = String(font?.color ?? "");
  if (/^[0-9a-f]{6}$/i.test(color) && color !== "000000") bubble.style.color = `#${color}`;
  if (font?.name) bubble.style.fontFamily = `${JSON.stringify(font.name)}, sans-serif`;
  if (font) bubble.title = `${font.name ?? "?"} ${font.size ?? "?"} pt`;
}

function lineElement(line) {
  const time = new Date(line.at_ms).toLocaleTimeString("zh-CN", { hour12: false });
  const meta = element("div", "meta", line.mine ? `${time} ` : `${line.who} · ${time} `);
  if (line.mine) meta.append(element("span", "tag", line.from_client ? "客户端 client" : "手机 phone"));
  const bubble = element("div", "bubble", ...withPictures(line));
  dress(bubble, line.font);
  const body = element("div", "", meta, bubble);
  return element("li", line.mine ? "said mine" : "said", avatar(line.who), body);
}

/** A line's text with its pictures where they stand. */
function withPictures(line) {
  const waiting = [...line.attached];
  return line.text.split(/(\[图片\]|\[文件\] .*)/).filter(Boolean).flatMap((part) => {
    if (part === "[图片]" && waiting.length > 0) return [pictureElement(waiting.shift())];
    return part.startsWith("[文件] ") && waiting.length > 0 ? [fileElement(waiting.shift())] : readable(part);
  });
}

function fileElement(attached) {
  const file = element("a", "", `📄 ${attached.name}`);
  file.href = `/api/media?key=${encodeURIComponent(attached.key)}`;
  file.download = attached.name;
  return file;
}

function pictureElement(attached) {
  const picture = element("img", "sent");
  picture.alt = attached.name || "图片 Picture";
  picture.src = `/api/media?key=${encodeURIComponent(attached.key)}`;
  return picture;
}

/** The chat that a line is in; temporary sessions are in no list and begin with their first line. */
function chatOf(line) {
  if (!chats.has(line.chat) && line.chat.startsWith("temporary:")) meetTemporary(line.chat.slice("temporary:".length));
  return chats.get(line.chat);
}

function meetTemporary(name) {
  const at = name.indexOf("@");
  meet("temporary", name, [name.slice(0, at)], name.slice(at + 1));
  return chats.get(`temporary:${name}`);
}

async function meetAnew() {
  world = await (await fetch("/api/world")).json();
  const before = chats;
  meetEverybody();
  for (const [key, chat] of before) {
    const now = chats.get(key);
    if (now) Object.assign(now, { lines: chat.lines, unread: chat.unread });
    else if (chat.kind === "temporary") chats.set(key, chat);
  }
  show(chats.get(open?.key) ?? [...chats.values()][0]);
}

async function happen() {
  const what = $("what").value;
  const [, kind, who, words] = ACTS[what];
  if (kind && open?.kind !== kind) return notice(`请先打开一个${KINDS[kind]}。Open one of these first.`);
  if (what === "whisper") return show(chatOf({ chat: `temporary:${$("who").value}@${open.key}` }));
  const act = { do: what === "former" ? "administrator" : what };
  if (kind) act[kind] = open.name;
  if (who) act[who] = $("who").value;
  if (words && words !== "words") act[words] = $("words").value;
  if (act.do === "administrator") act.now = what === "administrator";
  if (what === "web") act.xml = sharedFile($("words").value);
  if (await call("/api/act", act)) await meetAnew();
}

/** As clients told of a shared file. */
function sharedFile(name) {
  const quoted = name.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
  return `<?xml version="1.0" encoding="utf-8"?><d><n t="t" s="共享文件"/><n t="b"/><n t="t" s="${quoted}"/></d>`;
}

function hearLines(spoken) {
  const lines = $("lines");
  const atBottom = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 60;
  let first = true;
  for (const line of spoken) {
    const chat = chatOf(line);
    if (!chat) continue;
    chat.lines.push(line);
    if (chat !== open) { chat.unread += 1; continue; }
    if (first) lines.querySelector(".empty")?.remove();
    first = false;
    lines.append(lineElement(line));
  }
  if (spoken.length > 0) showChats();
  if (atBottom) lines.scrollTop = lines.scrollHeight;
}

function showCaptcha(captcha) {
  $("captcha").hidden = !captcha.text;
  if (!captcha.text || captcha.text === $("captcha-text").textContent) return;
  $("captcha-picture").src = `/api/captcha.png?text=${captcha.text}`;
  $("captcha-text").textContent = captcha.text;
}

function showQr(qr) {
  const visible = qr.state !== "none";
  if (visible && qr.code !== shownCode) $("picture").src = `/api/qr.png?code=${qr.code}`;
  shownCode = qr.code;
  $("picture").hidden = !visible;
  $("no-picture").hidden = visible;
  $("picture").classList.toggle("used", qr.state === "confirmed" || qr.state === "expired");
  $("qr-state").textContent = QR_TEXT[qr.state] ?? qr.state;
  $("scan").disabled = qr.state !== "waiting";
  $("confirm").disabled = qr.state !== "scanned";
  $("reject").disabled = qr.state !== "waiting" && qr.state !== "scanned";
}

function showSession(session) {
  status(session.online ? "on" : "", session.online
    ? `${world.account.nick} 在线 online${session.queued ? ` · ${session.queued} 条待收 queued` : ""}`
    : `${world.account.nick} 未登录 not logged in`);
  $("kick").disabled = $("expire").disabled = !session.online;
}

/** One rule of the world as a switch or a field; a change counts at once. */
function ruleElement(name, value) {
  const field = element("input");
  field.type = { boolean: "checkbox", number: "number" }[typeof value] ?? "text";
  if (field.type === "checkbox") field.checked = value; else field.value = value;
  field.addEventListener("change", async () => {
    const wanted = { checkbox: field.checked, number: field.valueAsNumber, text: field.value }[field.type];
    if (!(await call("/api/rules", { [name]: wanted }))) showRules();
  });
  return element("label", "", field, element("span", "", name));
}

async function showRules() {
  const rules = await (await fetch("/api/rules")).json();
  const { calls } = await (await fetch("/api/session")).json();
  $("rules").replaceChildren($("rules").firstElementChild, ...Object.entries(rules).map(([name, value]) => ruleElement(name, value)));
  $("endpoints").replaceChildren(...["*", ...Object.keys(calls)].map((name) => new Option(name)));
}

async function orderFault() {
  const typed = $("fault-value").value.trim();
  const kind = $("fault-kind").value;
  const value = ["body", "redirect"].includes(kind) ? typed : Number(typed);
  const order = { endpoint: $("fault-endpoint").value, kind, count: $("fault-count").valueAsNumber };
  if (await call("/api/fault", typed ? { ...order, value } : order)) notice("已下令。Ordered.", true);
}

function status(kind, text) {
  $("status").firstElementChild.className = `dot ${kind}`;
  $("status").lastElementChild.textContent = text;
}

async function hear(event) {
  const news = JSON.parse(event.data);
  if (news.fresh) {
    world = await (await fetch("/api/world")).json();
    const before = open?.key;
    meetEverybody();
    for (const line of news.spoken) chatOf(line)?.lines.push(line);
    const first = [...chats.values()].find((chat) => chat.kind === "group") ?? [...chats.values()][0];
    const chosen = chats.get(before) ?? first;
    if (chosen) show(chosen);
  } else {
    hearLines(news.spoken);
  }
  showQr(news.qr);
  showCaptcha(news.captcha);
  showSession(news.session);
}

function listen() {
  const source = new EventSource("/api/events");
  let turn = Promise.resolve(); // one after the other: the first one waits for the world
  source.onmessage = (event) => { turn = turn.then(() => hear(event)); };
  source.onerror = () => status("off", "连接断开，正在重试 Disconnected, retrying…");
}

function insertFace(name) {
  const text = $("text");
  text.setRangeText(`[${name}]`, text.selectionStart, text.selectionEnd, "end");
  text.focus();
}

async function speak() {
  const text = $("text").value;
  if (!text.trim() || !open) return;
  if (await call("/api/say", { chat: open.key, as: $("as").value, text })) $("text").value = "";
  $("text").focus();
}

async function sendFile(name) {
  $("album").hidden = true;
  if (open?.kind !== "friend") return notice("文件只能发给好友。Files go from friends only.");
  await call(`/api/file?${new URLSearchParams({ friend: open.name, name })}`);
}

async function sendPicture(name, file) {
  $("album").hidden = true;
  if (!open) return;
  const query = new URLSearchParams({ chat: open.key, as: $("as").value, ...(name && { name }) });
  const response = await fetch(`/api/picture?${query}`, { method: "POST", body: file });
  if (!response.ok) notice((await response.json()).error);
}

function showAlbum() {
  const buttons = world.pictures.map((picture) => {
    const button = element("button", "", picture.name);
    button.type = "button";
    button.addEventListener("click", () => sendPicture(picture.name));
    return button;
  });
  for (const file of world.files) {
    const button = element("button", "", `📄 ${file.name}`);
    button.type = "button";
    button.addEventListener("click", () => sendFile(file.name));
    buttons.push(button);
  }
  const own = element("button", "", "选择图片… A picture of mine…");
  own.type = "button";
  own.addEventListener("click", () => $("own-picture").click());
  $("album").replaceChildren(...buttons, own);
}

async function start() {
  const table = await (await fetch("/api/faces")).json();
  for (const face of table) {
    faces.set(face.zh, face);
    if (!face.emoji) continue;
    const button = element("button", "", face.emoji);
    button.type = "button";
    button.title = face.zh;
    button.addEventListener("click", () => insertFace(face.zh));
    $("palette").append(button);
  }
  for (const step of ["scan", "confirm", "reject"]) $(step).addEventListener("click", () => call(`/api/qr/${step}`));
  for (const trouble of ["kick", "expire"]) $(trouble).addEventListener("click", () => call(`/api/${trouble}`));
  $("trouble").addEventListener("toggle", () => { if ($("trouble").open) showRules(); });
  $("fault").addEventListener("submit", (event) => { event.preventDefault(); orderFault(); });
  $("no-faults").addEventListener("click", () => fetch("/api/fault", { method: "DELETE" }));
  for (const [what, [label]] of Object.entries(ACTS)) $("what").append(new Option(label, what));
  $("act").addEventListener("submit", (event) => { event.preventDefault(); happen(); });
  $("back").addEventListener("click", () => document.body.classList.remove("open"));
  $("pictures").addEventListener("click", () => { showAlbum(); $("album").hidden = !$("album").hidden; });
  $("own-picture").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) sendPicture(null, file);
    event.target.value = "";
  });
  $("faces").addEventListener("click", () => { $("palette").hidden = !$("palette").hidden; });
  document.addEventListener("click", (event) => {
    if (!$("palette").contains(event.target) && event.target !== $("faces")) $("palette").hidden = true;
    if (!$("album").contains(event.target) && event.target !== $("pictures")) $("album").hidden = true;
  });
  $("composer").addEventListener("submit", (event) => { event.preventDefault(); speak(); });
  $("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); speak(); }
  });
  showQr({ state: "none", code: 0 });
  listen();
}

start();

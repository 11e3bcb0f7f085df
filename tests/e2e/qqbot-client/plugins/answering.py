"""A plugin, as qqbot's users write them: answers every message with its own words, and writes down what it was told."""

import json
import os


def onQQMessage(bot, contact, member, content):  # noqa: ANN001, ANN201, N802 - qqbot's names
    """Called by qqbot with each message, of the account's own as well."""
    own = bot.isMe(contact, member)
    told = {"kind": contact.ctype, "chat": contact.name, "who": member and member.name, "text": content, "own": own}
    with open(os.path.join(bot.conf.bench, "told.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps(told, ensure_ascii=False) + "\n")
    if not own:
        bot.SendTo(contact, f"echo: {content}")

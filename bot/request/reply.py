"""A short reply to a question of the bot, such as "which namespace?"."""

from bot.request import vocabulary as v
from bot.request.names import SMART_DASHES
from bot.request.tokens import TOO_LONG, TokenKind, clean, tokens

_NOISE = (
    v.ARTICLES
    | v.NAMESPACES
    | v.CLUSTERS
    | v.MACHINES
    | v.SNAPSHOT_NOUNS
    | v.PLACES
    | v.FROM
    | v.words("please pls thanks it's its is use called named")
)
_LONGEST = 253


def single_name(text: str) -> str | None:
    """The one name in a reply, or None when the reply is conversation.

    The name is returned as it was typed: `name_problem` says whether it can be one. Words that
    the conversation gives a meaning ("cancel") must be tried before this.
    """
    if len(text) > TOO_LONG:
        return None
    marks = {TokenKind.STOP, TokenKind.ASK, TokenKind.SEPARATOR}
    said = [t for line in clean(text).split("\n") for t in tokens(line) if t.kind not in marks]
    names = [token for token in said if token.word not in _NOISE]
    if len(names) != 1 or names[0].kind not in {TokenKind.WORD, TokenKind.QUOTED}:
        return None
    name = names[0].text
    fits = len(name) <= _LONGEST and all(c.isalnum() or c in f"-._{SMART_DASHES}" for c in name)
    return name if fits and names[0].word not in v.FUNCTION_WORDS else None

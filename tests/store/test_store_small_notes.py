"""The ways to an owner, and what each open form was drawn for."""

from bot.store.drawn_forms import Drawn, DrawnForms
from bot.store.response_urls import Way, Ways
from tests.store.database import Database

URL = "https://hooks.slack.com/commands/T0TEAM/1/secret"


async def test_the_last_way_to_an_owner_is_kept_as_long_as_slack_takes_it(db: Database) -> None:
    """What is noted of it makes it last no longer; a newer way has been told nothing yet."""
    ways = Ways(db.client, db.keys)
    assert await ways.of("k3f9") is None
    await ways.note("k3f9", "result.2")
    assert await ways.of("k3f9") is None
    await ways.keep("k3f9", URL)
    assert await ways.of("k3f9") == Way(URL, "")
    await db.client.expire(db.keys.way("k3f9"), 60)
    await ways.note("k3f9", "result.2")
    assert await ways.of("k3f9") == Way(URL, "result.2")
    assert 0 < await db.client.ttl(db.keys.way("k3f9")) <= 60
    await ways.keep("k3f9", URL + "2")
    assert await ways.of("k3f9") == Way(URL + "2", "")
    assert await db.client.ttl(db.keys.way("k3f9")) > 60


async def test_an_open_form_is_known_by_its_last_drawing(db: Database) -> None:
    forms = DrawnForms(db.client, db.keys)
    assert await forms.last("V1") is None
    await forms.note("V1", Drawn("1771432200.000100", "1771432201.abc"))
    await forms.note("V1", Drawn("1771432300.000100", "1771432301.def"))
    assert await forms.last("V1") == Drawn("1771432300.000100", "1771432301.def")
    assert await forms.last("V2") is None

"""Who may do what, as the simulated Slack and the policy say; and how old that knowledge may be."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from bot.clock import FarClock
from bot.errors import Temporary
from bot.metrics import Metrics
from bot.playground.clock import HandClock
from bot.playground.slack import Person, SlackSim
from bot.playground.slack.workspace import Channel
from bot.restore.access import Grant, OnCall, Policy
from bot.restore.events import Verdict
from bot.restore.model import Restore
from bot.restore.target import RestoreRequest
from bot.restore.thread import UserId
from bot.slack.api.authorizer import Authorizer
from bot.slack.api.client import SlackApi
from bot.slack.api.directory import ConversationInfo, Directory, Workspace, workspace
from bot.slack.api.network import Network, WebClient
from tests.restore.play import asked

PRODUCTION = RestoreRequest(cluster="default", namespace="production", vm="db-01")
OTHERS: Restore = asked(request=PRODUCTION)
"""A restore of somebody who is not in this workspace."""


@dataclass(frozen=True)
class Scene:
    """The authorizer, and the workspace that it asks."""

    slack: SlackSim
    clock: HandClock
    people: dict[str, Person]
    rooms: dict[str, Channel]
    directory: Directory
    authorizer: Authorizer

    def user(self, name: str) -> UserId:
        """The id of a person."""
        return UserId(self.people[name].id)

    def where(self, name: str) -> str | ConversationInfo:
        """A channel by its id; a direct message is known without a look."""
        return self.rooms[name].id if name in self.rooms else ConversationInfo.direct()

    @property
    def calls(self) -> Counter[str]:
        """What Slack was asked, by method."""
        return Counter(call.method for call in self.slack.log)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """Alice is named; Carol is in the group that is named and on call; #ops is granted to all."""
    clock = HandClock()
    slack = SlackSim(clock)
    people = {name: slack.person(name) for name in ("alice", "carol", "dave")} | {
        "guest": slack.person("guest", guest=True),
        "foreign": slack.person("foreign", foreign=True),
        "robot": slack.person("robot", bot=True),
    }
    everybody = people.values()
    rooms = {
        "ops": slack.channel("ops", *everybody),
        "talk": slack.channel("talk", *everybody),
        "shared": slack.channel("shared", *everybody, ext_shared=True),
    }
    on_call = slack.user_group("oncall", people["carol"]).id
    policy = Policy(
        grants=(
            Grant(users=(people["alice"].id,), namespaces=("production",)),
            Grant(groups=(on_call,), namespaces=("*",)),
            Grant(channels=(rooms["ops"].id,), namespaces=("production",)),
        ),
        on_call=OnCall(groups=(on_call,)),
    )
    await slack.start()
    home = Workspace(slack.workspace.team_id, bot_user="U0BOT", bot_id="B0BOT")
    network = Network()
    async with network.session() as session:
        client = WebClient(slack.bot_token, slack.api_url, network, session)
        web = SlackApi(client, Metrics(), FarClock(clock))
        directory = Directory(web, home, clock)
        yield Scene(slack, clock, people, rooms, directory, Authorizer(directory, policy))
        await slack.stop()


# Who, where -> may restore, may take over, is told of the restore.
ANSWERS = {
    ("alice", "talk"): (True, False, True),
    ("alice", "direct"): (True, False, True),
    ("alice", "shared"): (False, False, False),
    ("carol", "talk"): (True, True, True),
    ("carol", "direct"): (True, True, True),
    ("carol", "shared"): (False, False, False),
    ("dave", "ops"): (True, False, True),
    ("dave", "talk"): (False, False, False),
    ("dave", "direct"): (False, False, False),
    ("guest", "ops"): (False, False, False),
    ("foreign", "ops"): (False, False, False),
    ("robot", "ops"): (False, False, False),
}


async def test_who_may_do_what_where(scene: Scene) -> None:
    found = {}
    for who, room in ANSWERS:
        user, where, ask = scene.user(who), scene.where(room), scene.authorizer
        restores = await ask.may_restore(user, where, PRODUCTION, fresh=False)
        takes = await ask.may_take_over(user, where, PRODUCTION, fresh=False)
        sees = await ask.visible(user, where, [OTHERS])
        found[who, room] = (restores.allowed, takes.allowed, sees == [OTHERS])
    assert found == ANSWERS


async def test_the_namespace_of_the_request_is_asked_about(scene: Scene) -> None:
    other = PRODUCTION.model_copy(update={"namespace": "staging"})
    alice, carol, where = scene.user("alice"), scene.user("carol"), scene.where("talk")
    ask = scene.authorizer
    assert not (await ask.may_restore(alice, where, other, fresh=False)).allowed
    assert (await ask.may_take_over(carol, where, other, fresh=False)).allowed
    assert await ask.visible(alice, where, [asked(request=other), OTHERS]) == [OTHERS]


Ask = Callable[[Scene], Awaitable[bool]]


async def may_restore(scene: Scene) -> bool:
    return (await _may_restore(scene, fresh=False)).allowed


async def may_restore_now(scene: Scene) -> bool:
    return (await _may_restore(scene, fresh=True)).allowed


def _may_restore(scene: Scene, *, fresh: bool) -> Awaitable[Verdict]:
    ask = scene.authorizer.may_restore
    return ask(scene.user("carol"), scene.where("talk"), PRODUCTION, fresh=fresh)


async def may_take_over(scene: Scene) -> bool:
    return (await _may_take_over(scene, fresh=False)).allowed


async def may_take_over_now(scene: Scene) -> bool:
    return (await _may_take_over(scene, fresh=True)).allowed


def _may_take_over(scene: Scene, *, fresh: bool) -> Awaitable[Verdict]:
    ask = scene.authorizer.may_take_over
    return ask(scene.user("carol"), scene.where("talk"), PRODUCTION, fresh=fresh)


async def visible(scene: Scene) -> bool:
    return bool(await scene.authorizer.visible(scene.user("carol"), scene.where("talk"), [OTHERS]))


QUESTIONS = [
    pytest.param(may_restore, False, id="may restore"),
    pytest.param(may_restore_now, True, id="may restore, asked now"),
    pytest.param(may_take_over, False, id="may take over"),
    pytest.param(may_take_over_now, True, id="may take over, asked now"),
    pytest.param(visible, False, id="visible"),
]


@pytest.mark.parametrize(("ask", "fresh"), QUESTIONS)
async def test_what_has_changed_is_known_now_or_within_a_minute(
    ask: Ask, fresh: bool, scene: Scene
) -> None:
    assert await ask(scene)
    before = scene.calls
    scene.people["carol"].user.deactivated = True
    assert await ask(scene) is not fresh
    again = {"conversations.info": 1, "users.info": 1}  # then nothing hangs on a group
    assert scene.calls - before == (again if fresh else {})
    scene.clock.advance(61)
    assert not await ask(scene)


@pytest.mark.parametrize("method", ["conversations.info", "users.info", "usergroups.users.list"])
@pytest.mark.parametrize(("ask", "fresh"), QUESTIONS)
async def test_nobody_is_allowed_anything_on_a_guess(
    ask: Ask, fresh: bool, method: str, scene: Scene
) -> None:
    del fresh
    scene.slack.faults.fail(method, 503)
    with pytest.raises(Temporary):
        await ask(scene)


async def test_what_is_known_of_a_conversation_is_not_asked_again(scene: Scene) -> None:
    alice = await scene.authorizer.asker(scene.user("alice"), scene.where("shared"))
    carol = await scene.authorizer.asker(scene.user("carol"), alice.room, fresh=True)
    assert carol.room.spot.shared
    assert scene.calls["conversations.info"] == 1


async def test_somebody_elsewhere_is_judged_by_the_grants_that_hold_there(scene: Scene) -> None:
    ops = scene.rooms["ops"].id
    dave = await scene.authorizer.asker(scene.user("dave"), ConversationInfo.direct())
    alice = await scene.authorizer.asker(scene.user("alice"), ConversationInfo.direct())
    assert scene.authorizer.channels == (ops,)
    assert dave.elsewhere(ops).permitted("default") == frozenset({"production"})
    assert dave.elsewhere(ops).by_name().permitted("default") == frozenset()
    assert alice.elsewhere(ops).by_name().permitted("default") == frozenset({"production"})
    assert scene.calls["conversations.info"] == 0


# User groups, of which Slack tells twenty a minute


def with_groups(scene: Scene, *namespaces: str, last: str = "dave") -> tuple[Authorizer, list[str]]:
    """A grant for a group in each of these namespaces; the last one has somebody in it."""
    groups = [scene.slack.user_group(f"team-{place:02}").id for place in range(len(namespaces))]
    scene.slack.workspace.groups[groups[-1]].members.append(scene.people[last].user)
    grants = (Grant(groups=(g,), namespaces=(n,)) for g, n in zip(groups, namespaces, strict=True))
    return Authorizer(scene.directory, Policy(grants=tuple(grants))), groups


def asked_groups(scene: Scene) -> list[str]:
    """The groups that Slack told of, in order."""
    told = (call for call in scene.slack.log if call.method == "usergroups.users.list" and call.ok)
    return [call.args["usergroup"] for call in told]


async def until_slack_has_told(scene: Scene, ask: Callable[[], Awaitable[Verdict]]) -> Verdict:
    """Ask again when Slack says that it may be asked again."""
    for _ in range(60):
        try:
            return await ask()
        except Temporary as away:
            scene.clock.advance(away.retry_after or 1)
    raise AssertionError("it is never told")


@pytest.mark.parametrize("fresh", [False, True], ids=["as of the last minute", "asked now"])
async def test_more_groups_than_slack_tells_of_in_a_minute(scene: Scene, fresh: bool) -> None:
    """Each is read once, over several tries; the next question of that kind begins anew."""
    authorizer, groups = with_groups(scene, *["production"] * 50)
    dave, where = scene.user("dave"), scene.where("talk")

    async def ask() -> Verdict:
        return await authorizer.may_restore(dave, where, PRODUCTION, fresh=fresh)

    assert (await until_slack_has_told(scene, ask)).allowed
    assert asked_groups(scene) == groups
    scene.clock.advance(301)
    for group in scene.slack.workspace.groups.values():
        group.members.clear()
    assert not (await until_slack_has_told(scene, ask)).allowed


async def test_while_slack_wants_no_calls_none_is_made(scene: Scene) -> None:
    authorizer, _ = with_groups(scene, "production")
    scene.slack.faults.rate_limit("usergroups.users.list", 30)
    for _ in range(3):
        with pytest.raises(Temporary, match=r"slow down \(usergroups\.users\.list\)"):
            await authorizer.may_restore(
                scene.user("dave"), scene.where("talk"), PRODUCTION, fresh=True
            )
        scene.clock.advance(9)
    assert scene.calls["usergroups.users.list"] == 1


async def test_only_groups_that_could_allow_it_are_asked_about(scene: Scene) -> None:
    namespaces = ("staging", "production", "*", "production")
    authorizer, groups = with_groups(scene, *namespaces, last="carol")
    scene.slack.workspace.groups[groups[2]].members.append(scene.people["carol"].user)
    where = scene.where("talk")
    found = await authorizer.may_restore(scene.user("carol"), where, PRODUCTION, fresh=True)
    assert found.allowed
    # Not the one for another namespace, and none once the answer is known.
    assert asked_groups(scene) == groups[1:3]


async def test_no_group_is_asked_about_somebody_whom_a_grant_names(scene: Scene) -> None:
    for who, where in (("alice", "talk"), ("dave", "ops"), ("guest", "talk")):
        await scene.authorizer.may_restore(
            scene.user(who), scene.where(where), PRODUCTION, fresh=True
        )
    assert asked_groups(scene) == []


@pytest.mark.parametrize("code", ["permission_denied", "missing_scope", "some_code_of_next_year"])
async def test_a_group_that_slack_does_not_tell_of(scene: Scene, code: str) -> None:
    """It allows nobody, which is said; and keeps nobody from what another group allows."""
    authorizer, groups = with_groups(scene, "production", "production")
    scene.slack.faults.refuse("usergroups.users.list", code, times=1)
    where = scene.where("talk")
    dave = await authorizer.may_restore(scene.user("dave"), where, PRODUCTION, fresh=True)
    assert dave.allowed
    scene.clock.advance(61)
    scene.slack.faults.refuse("usergroups.users.list", code, times=1)
    alice = await authorizer.may_restore(scene.user("alice"), where, PRODUCTION, fresh=False)
    assert not alice.allowed
    assert f"Slack does not tell who is in user group {groups[0]}" in alice.text
    takes = await authorizer.may_take_over(scene.user("dave"), where, PRODUCTION, fresh=False)
    assert "Only people on call" in takes.text


# Conversations with many people


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
async def test_somebody_among_more_people_than_a_page_holds(scene: Scene, private: bool) -> None:
    """The person is looked up, not the list: two calls, for anybody."""
    crowd = [scene.slack.person(f"crowd-{number}") for number in range(999)]
    big = scene.slack.channel("all-hands", *crowd, scene.people["dave"], private=private)
    calls = scene.calls
    for who, inside in {"dave": True, "carol": False}.items():
        assert await scene.directory.is_member(scene.user(who), big.id) is inside
    assert scene.calls - calls == {"conversations.members": 2, "users.conversations": 2}


async def test_the_pages_of_somebodys_conversations_are_read_once(scene: Scene) -> None:
    crowd = [scene.slack.person(f"crowd-{number}") for number in range(1000)]
    for number in range(1000):
        scene.slack.channel(f"room-{number}", scene.people["dave"])
    big = scene.slack.channel("all-hands", *crowd, scene.people["dave"])
    scene.slack.faults.rate_limit("users.conversations", 30, skip=1)
    with pytest.raises(Temporary):
        await scene.directory.is_member(scene.user("dave"), big.id)
    scene.clock.advance(30)
    assert await scene.directory.is_member(scene.user("dave"), big.id)
    told = [call for call in scene.slack.log if call.method == "users.conversations" and call.ok]
    assert [call.args.get("cursor") for call in told] == [None, "next:999"]


@pytest.mark.parametrize(("domain", "good"), [("ops-1", True), ("x/<script>", False)])
async def test_an_address_that_is_none_of_slack_is_not_used_for_links(
    scene: Scene, domain: str, good: bool
) -> None:
    scene.slack.workspace.domain = domain
    home = await workspace(scene.directory._web)
    assert home.url == (f"https://{domain}.slack.com/" if good else "")

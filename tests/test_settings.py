"""Settings: what is right is taken as it was meant, what is wrong is named with its fix."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import ValidationError

from bot.errors import Misconfigured
from bot.restore.policy import Conversation, Person, decide
from bot.restore.rules import Rules, StopWhen, VolumePolicy
from bot.restore.thread import UserId
from bot.settings import build, load
from bot.settings.describe import describe
from bot.settings.loader import parse
from bot.settings.schema import RULES
from bot.settings.types import seconds
from docs import configuration
from docs.chart import of_config

HOUSE = Path(__file__).parent.parent
EXAMPLE = HOUSE / "config" / "example.yaml"
SOCKET = {"SLACK_BOT_TOKEN": "xoxb-1-abc", "SLACK_APP_TOKEN": "xapp-1-abc"}
HTTP = {"SLACK_BOT_TOKEN": "xoxb-1-abc", "SLACK_SIGNING_SECRET": "0123abcd"}


def refusal(env: Mapping[str, str], tree: Mapping[str, Any] | None = None) -> list[str]:
    """The lines of the one error that these settings give."""
    with pytest.raises(Misconfigured) as caught:
        build(env, tree or {})
    return str(caught.value).splitlines()


# --- What is right ------------------------------------------------------------------------------


def test_tokens_alone_are_enough_to_start_and_nobody_may_restore() -> None:
    settings = load(SOCKET)
    assert settings.socket_mode
    assert settings.access.grants == ()
    assert list(settings.clusters) == ["default"]
    assert settings.default_cluster == "default"
    assert settings.rules == Rules()
    assert settings.environment.slack_api == "https://slack.com/api/"


def test_without_an_app_level_token_slack_sends_over_http() -> None:
    assert not load(HTTP).socket_mode


def test_an_app_level_token_wins_over_a_signing_secret() -> None:
    assert load(SOCKET | HTTP).socket_mode


def test_blank_variables_and_sections_count_as_not_set() -> None:
    settings = build(HTTP | {"SLACK_APP_TOKEN": " ", "REDIS_URL": ""}, {"rules": None})
    assert not settings.socket_mode
    assert settings.environment.redis_url is None


def test_white_space_around_a_mounted_secret_is_taken_off() -> None:
    token = load(SOCKET | {"SLACK_BOT_TOKEN": "xoxb-1-abc\n"}).environment.bot_token
    assert token.get_secret_value() == "xoxb-1-abc"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (90, 90),
        ("90", 90),
        ("90s", 90),
        ("15m", 900),
        ("1h", 3600),
        ("1h30m", 5400),
        ("2h 5s", 7205),
    ],
)
def test_durations_are_written_as_people_write_them(written: object, meant: int) -> None:
    assert seconds(written) == meant
    assert build(SOCKET, {"rules": {"answer_timeout": written}}).rules.answer_timeout == meant


@pytest.mark.parametrize(
    "written", ["", "m", "15 minutes", "1h30", "-5m", "1.5h", "15M", None, [1]]
)
def test_what_is_no_duration_is_left_for_the_error(written: object) -> None:
    assert seconds(written) == written


def test_rules_of_the_file_become_the_rules_of_restores() -> None:
    tree = {"rules": {"stop_when": "confirmed", "volume_policy": "InPlace", "stop_timeout": "1m"}}
    rules = build(SOCKET, tree).rules
    assert rules == Rules(
        stop_when=StopWhen.CONFIRMED, volume_policy=VolumePolicy.IN_PLACE, stop_timeout=60
    )
    assert type(rules) is Rules, "a subclass would differ from what the store gives back"


def test_access_is_the_policy_that_decides() -> None:
    tree = {"access": {"grants": [{"groups": ["S0ONCALL"], "namespaces": ["production"]}]}}
    policy = build(SOCKET, tree).access
    person = Person(id=UserId("U1AAA"), home=True, groups=frozenset({"S0ONCALL"}))
    spot = Conversation(channel="C1AAA")
    assert decide(policy, person, spot, cluster="default", namespace="production").allowed
    assert not decide(policy, person, spot, cluster="default", namespace="kube-system").allowed


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"08:00"', ("08:00",)),
        ("08:00", ("08:00",)),
        ("18:30", ("18:30",)),
        ("[08:00, 20:00]", ("08:00", "20:00")),
    ],
)
def test_times_of_day_are_taken_with_and_without_quotes(
    written: str, meant: tuple[str, ...]
) -> None:
    """YAML reads 18:30 as a number and 08:00 as a text."""
    assert build(SOCKET, {"report": {"at": parse(written)}}).report.at == meant


REPORTS = {
    "later on this day": (["08:00"], "UTC", "2026-02-18T07:59", "2026-02-18T08:00"),
    "on the next day": (["08:00"], "UTC", "2026-02-18T08:01", "2026-02-19T08:00"),
    "not at once again": (["08:00"], "UTC", "2026-02-18T08:00", "2026-02-19T08:00"),
    "the next of several": (["20:00", "08:00"], "UTC", "2026-02-18T09:00", "2026-02-18T20:00"),
    "by the clocks of a place": (["08:00"], "Europe/Zurich", "2026-02-18T00:00", "2026-02-18T07:00"),
    "by its clocks in summer": (["08:00"], "Europe/Zurich", "2026-07-18T00:00", "2026-07-18T06:00"),
    "its date, not that of UTC": (["01:00"], "Asia/Tokyo", "2026-02-18T15:00", "2026-02-18T16:00"),
    "a time that a day leaves out": (["02:30"], "Europe/Zurich", "2026-03-28T22:00", "2026-03-29T01:30"),
    "the day after that": (["02:30"], "Europe/Zurich", "2026-03-29T01:30", "2026-03-30T00:30"),
    "a time that a day has twice": (["02:30"], "Europe/Zurich", "2026-10-24T22:00", "2026-10-25T00:30"),
    "only once on that day": (["02:30"], "Europe/Zurich", "2026-10-25T00:30", "2026-10-26T01:30"),
}  # fmt: skip


@pytest.mark.parametrize("case", REPORTS)
def test_the_next_report_is_due(case: str) -> None:
    at, zone, after, due = REPORTS[case]
    times = build(SOCKET, {"report": {"at": at, "timezone": zone}}).report
    found = times.after(datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_a_cluster_without_its_own_kubeconfig_uses_the_environments(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.touch()
    other.touch()
    clusters = {"a": None, "b": {"kubeconfig": str(other), "context": "admin@b"}}
    tree = {"clusters": clusters, "default_cluster": "b"}
    settings = build(SOCKET | {"KUBECONFIG": str(one)}, tree)
    assert settings.clusters["a"].kubeconfig == str(one)
    assert settings.clusters["b"].kubeconfig == str(other)
    assert settings.default_cluster == "b"


def test_a_single_cluster_is_the_default() -> None:
    assert build(SOCKET, {"clusters": {"prod": None}}).default_cluster == "prod"


def test_of_several_clusters_the_one_called_default_is() -> None:
    assert build(SOCKET, {"clusters": {"a": None, "default": None}}).default_cluster == "default"


@pytest.mark.parametrize(
    ("names", "everywhere"), [([], True), (["*"], True), (["a", "*"], True), (["a", "b"], False)]
)
def test_namespaces_limit_a_cluster_unless_they_are_all(names: list[str], everywhere: bool) -> None:
    tree = {"clusters": {"default": {"namespaces": names}}}
    assert build(SOCKET, tree).clusters["default"].everywhere is everywhere


def test_listening_can_be_restricted_for_one_channel() -> None:
    listen = build(SOCKET, {"listen": {"channels": {"C1QUIET": "mentions"}}}).listen
    assert not listen.hears_words("C1QUIET")
    assert listen.hears_words("C1LOUD")


@pytest.mark.parametrize(
    "url",
    [
        "redis://h:6379/0",
        "rediss://user:pw@h:6379",
        "unix:///run/redis.sock",
        "redis+sentinel://h:26379,i:26379/main",
        "rediss+sentinel://h:26379/main",
        "redis+cluster://h:6379",
    ],
)
def test_every_kind_of_redis_address_is_taken(url: str) -> None:
    address = load(SOCKET | {"REDIS_URL": url}).environment.redis_url
    assert address
    assert address.get_secret_value() == url


@pytest.mark.parametrize(
    ("url", "used"),
    [
        ("https://slack.example.com/api", "https://slack.example.com/api/"),
        ("http://127.0.0.1:9/api/", "http://127.0.0.1:9/api/"),
        ("http://[::1]:9/api/", "http://[::1]:9/api/"),
        ("http://localhost:9/api/", "http://localhost:9/api/"),
    ],
)
def test_another_slack_endpoint_is_https_or_on_this_machine(url: str, used: str) -> None:
    assert load(SOCKET | {"SLACK_API_URL": url}).environment.slack_api == used


@pytest.mark.parametrize(
    ("variable", "given", "used"),
    [
        ("HTTPS_PROXY", "http://proxy:3128", "http://proxy:3128"),
        ("https_proxy", "proxy:3128", "http://proxy:3128"),
        ("HTTPS_PROXY", "https://me:s3cret@proxy", "https://me:s3cret@proxy"),
    ],
)
def test_a_proxy(variable: str, given: str, used: str) -> None:
    found = load(SOCKET | {variable: given}).environment.https_proxy
    assert found is not None
    assert found.get_secret_value() == used


def test_settings_cannot_be_changed() -> None:
    settings = load(SOCKET)
    with pytest.raises(ValidationError):
        setattr(settings.http, "port", 1)  # noqa: B010 - mypy knows it, too


# --- What is wrong ------------------------------------------------------------------------------

WRONG_VARIABLES = [
    (
        {"SLACK_BOT_TOKEN": ""},
        "SLACK_BOT_TOKEN: is missing; set it to the Bot User OAuth Token (xoxb-…) of the Slack app",
    ),
    (
        {"SLACK_BOT_TOKEN": "xapp-1-s3cret"},
        (
            "SLACK_BOT_TOKEN: is an app-level token; it belongs in SLACK_APP_TOKEN; "
            "write the Bot User OAuth Token (xoxb-…)"
        ),
    ),
    (
        {"SLACK_BOT_TOKEN": "xoxp-s3cret"},
        (
            "SLACK_BOT_TOKEN: is a user token, which this bot does not use; "
            "write the Bot User OAuth Token (xoxb-…)"
        ),
    ),
    (
        {"SLACK_BOT_TOKEN": "s3cret"},
        "SLACK_BOT_TOKEN: does not look right; write the Bot User OAuth Token (xoxb-…)",
    ),
    (
        {"SLACK_BOT_TOKEN": "xoxb-a s3cret"},
        "SLACK_BOT_TOKEN: does not look right; write the Bot User OAuth Token (xoxb-…)",
    ),
    (
        {"SLACK_APP_TOKEN": "xoxb-s3cret"},
        (
            "SLACK_APP_TOKEN: is a bot token; it belongs in SLACK_BOT_TOKEN; "
            "write the app-level token (xapp-…)"
        ),
    ),
    (
        {"SLACK_SIGNING_SECRET": "xoxe.xoxp-s3cret"},
        (
            "SLACK_SIGNING_SECRET: is a configuration or rotation token, which this bot does not use; "
            'write the Signing Secret of "Basic Information"'
        ),
    ),
    (
        {"SLACK_API_URL": "http://slack.com/api/"},
        "SLACK_API_URL: must begin with https:// (http:// only on this machine, for tests)",
    ),
    (
        {"SLACK_API_URL": "slack.com"},
        "SLACK_API_URL: is not a plain address; write one like https://slack.com/api/",
    ),
    (
        {"SLACK_API_URL": "https://me:s3cret@slack.com/"},
        "SLACK_API_URL: is not a plain address; write one like https://slack.com/api/",
    ),
    *(
        ({"HTTPS_PROXY": url}, "HTTPS_PROXY: is no HTTP proxy; write http://HOST:PORT")
        for url in ("socks5://proxy:1080", "http://me:s3cret@:3128", "http://proxy:port")
    ),
    (
        {"SSL_CERT_FILE": "/nowhere.pem"},
        "SSL_CERT_FILE: names no file that is there; write the path of a PEM file",
    ),
    (
        {"REDIS_URL": "user:s3cret@host:6379"},
        (
            "REDIS_URL: is no address of a Redis; write redis://HOST:6379/0, rediss://… for TLS, "
            "unix:///PATH, redis+sentinel://HOST:26379/MASTER or redis+cluster://HOST:6379"
        ),
    ),
    (
        {"KUBECONFIG": "/no/such/file"},
        "KUBECONFIG: names no file that is there; write the path of a kubeconfig file",
    ),
    (
        {"VM_RESTORE_CONFIG": "/no/such.yaml"},
        (
            "VM_RESTORE_CONFIG: cannot read /no/such.yaml (No such file or directory); "
            "write the right path"
        ),
    ),
]


@pytest.mark.parametrize(("env", "line"), WRONG_VARIABLES, ids=[w[1][:50] for w in WRONG_VARIABLES])
def test_a_wrong_variable_is_named_with_its_mend_and_without_its_value(
    env: dict[str, str], line: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(SOCKET | env)
    assert str(caught.value) == line
    assert "s3cret" not in str(caught.value)


def test_a_misspelled_variable_is_pointed_out() -> None:
    [line] = refusal({"SLACK_BOT_TOKN": "xoxb-s3cret", "SLACK_APP_TOKEN": "xapp-1"})
    assert line.endswith("(`SLACK_BOT_TOKN` is set: is that a typing error?)")


def test_neither_way_for_slack_to_reach_the_bot_is_an_error() -> None:
    assert refusal({"SLACK_BOT_TOKEN": "xoxb-1"}) == [
        (
            "SLACK_APP_TOKEN: is missing; set it (xapp-…) for Socket Mode, "
            "or set SLACK_SIGNING_SECRET where Slack sends to the bot over HTTP"
        )
    ]


WRONG_KEYS: list[tuple[dict[str, Any], str]] = [
    ({"rulez": {}}, "rulez: is no setting; did you mean `rules`?"),
    ({"environment": {}}, "environment: is no setting; set environment variables instead"),
    ({"zzz": 1}, "zzz: is no setting; known here: access, app, clusters, default_cluster, http, installation, limits, listen, log, report, rules, store, traces"),
    ({"rules": {"answer_timout": 1}}, "rules.answer_timout: is no setting; did you mean `answer_timeout`?"),
    ({"rules": {"answer_timeout": "5s"}}, "rules.answer_timeout: is 5; write 30 seconds or more"),
    ({"rules": {"stop_timeout": "soon"}}, 'rules.stop_timeout: is "soon"; write a duration like 90s, 15m or 1h, or seconds'),
    ({"rules": {"stop_when": "now"}}, 'rules.stop_when: is "now"; write chosen or confirmed'),
    ({"rules": {"protect_by_default": "maybe"}}, 'rules.protect_by_default: is "maybe"; write true or false'),
    ({"rules": []}, "rules: is []; write a mapping: name, colon, value"),
    ({"store": {"lease_seconds": "5m"}}, "store.lease_seconds: is 300; write 120 seconds or less"),
    ({"store": {"replicas_to_wait_for": -1}}, "store.replicas_to_wait_for: is -1; write 0 or more"),
    ({"store": {"replicas_to_wait_for": 1}}, "store.replicas_to_wait_for: needs replicas; set REDIS_URL to a Redis that has some, or write 0"),
    ({"installation": "ops/bot"}, 'installation: "ops/bot" is no name for an installation; write up to 63 small letters, digits, dashes and dots'),
    ({"app": {"command": "db-restore"}}, 'app.command: "db-restore" is no slash command; write one like /vm-restore, of 32 characters at most: small letters, digits, dashes and underscores'),
    ({"app": {"command": "/DB"}}, 'app.command: "/DB" is no slash command; write one like /vm-restore, of 32 characters at most: small letters, digits, dashes and underscores'),
    ({"app": {"command": "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"}}, 'app.command: "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab" is no slash command; write one like /vm-restore, of 32 characters at most: small letters, digits, dashes and underscores'),
    ({"app": {"name": "<b>"}}, 'app.name: "<b>" is no name for an app; write one like "VM Restore", of 35 characters at most'),
    ({"http": {"port": "web"}}, 'http.port: is "web"; write a whole number'),
    ({"http": {"port": 70000}}, "http.port: is 70000; write 65535 or less"),
    ({"http": {"host": None}}, "http.host: is empty; write a value or remove the line"),
    ({"log": {"level": "loud"}}, 'log.level: is "loud"; write debug, info, warning or error'),
    ({"listen": {"channels": {"#ops": "mentions"}}}, 'listen.channels.#ops: "#ops" is no such id; write the id at the end of the channel\'s details (C…)'),
    ({"listen": {"default": "all"}}, 'listen.default: is "all"; write words or mentions'),
    ({"clusters": {"Prod": {}}}, 'clusters.Prod: "Prod" is no name for a cluster; write small letters, digits and dashes'),
    ({"clusters": {"a": {"kubeconfg": "x"}}}, "clusters.a.kubeconfg: is no setting; did you mean `kubeconfig`?"),
    ({"clusters": {"a": {"namespaces": ["A_b"]}}}, 'clusters.a.namespaces[0]: "A_b" is no name of a namespace; write one like "production", or "*" for all'),
    ({"clusters": {"a": {}, "b": {}}}, "default_cluster: is missing; write one of the clusters: a, b"),
    ({"clusters": {"prod": {}}, "default_cluster": "prd"}, 'default_cluster: "prd" is no cluster; did you mean `prod`?'),
    ({"access": {"grants": [{"users": ["@al"], "namespaces": ["a"]}]}}, 'access.grants[0].users[0]: "@al" is no such id; write the member id of the profile\'s "…" menu (U… or W…)'),
    ({"access": {"grants": [{"groups": ["@oncall"], "namespaces": ["a"]}]}}, 'access.grants[0].groups[0]: "@oncall" is no such id; write the id of the user group (S…), not its @handle'),
    ({"access": {"grants": [{"users": ["U12"], "namespaces": "a"}]}}, 'access.grants[0].namespaces: is "a"; write a list: [a, b]'),
    ({"access": {"on_call": {"groups": ["@oncall"]}}}, 'access.on_call.groups[0]: "@oncall" is no such id; write the id of the user group (S…), not its @handle'),
    ({"access": {"on_call": ["U12"]}}, "access.on_call: is ['U12']; write a mapping: name, colon, value"),
    ({"report": {"channel": "#ops"}}, 'report.channel: "#ops" is no such id; write the id at the end of the channel\'s details (C…)'),
    ({"report": {"at": "8:00"}}, 'report.at[0]: "8:00" is no time of day; write one like "08:00"'),
    ({"report": {"at": ["08:00", "24:00"]}}, 'report.at[1]: "24:00" is no time of day; write one like "08:00"'),
    ({"report": {"at": []}}, 'report.at: is an empty list; write a time of day like "08:00", or several'),
    ({"report": {"timezone": "Europe/Zuerich"}}, 'report.timezone: "Europe/Zuerich" is no time zone here; write one like Europe/Zurich, or UTC'),
    ({"access": {"grants": [{"users": ["U12"]}]}}, 'access.grants[0].namespaces: is missing; write a list of namespaces, or ["*"] for all'),
    ({"access": {"grants": [{"namespaces": ["a"]}]}}, "access.grants[0]: name at least one of users, groups or channels"),
    ({"access": {"grants": [{"users": ["U12"], "clusters": ["x"], "namespaces": ["a"]}]}}, 'access.grants[0].clusters: "x" is no cluster; known here: default'),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "line"), WRONG_KEYS, ids=[w[1].split(";")[0] for w in WRONG_KEYS])
def test_a_wrong_key_of_the_file_is_named_as_it_is_written(tree: dict[str, Any], line: str) -> None:
    assert refusal(SOCKET, tree) == [line]


LEFT_TO_THE_BOT = (
    "rules.answer_timeout: is 5;",  # a duration with a unit
    "store.lease_seconds: is 300;",
    "store.replicas_to_wait_for: needs replicas;",  # settings that do not fit each other
    "default_cluster: ",
    "access.grants[0].clusters: ",
    "report.timezone: ",  # what only a machine knows
)


@pytest.mark.parametrize(("tree", "line"), WRONG_KEYS, ids=[w[1].split(";")[0] for w in WRONG_KEYS])
def test_the_chart_refuses_what_the_bot_would_refuse(tree: dict[str, Any], line: str) -> None:
    taken = jsonschema.Draft7Validator(of_config()).is_valid(tree)
    assert taken is line.startswith(LEFT_TO_THE_BOT)


@pytest.mark.parametrize(
    "written",
    [
        *({"rules": {"stop_timeout": each}} for each in (90, "90", "90s", "1h30m", "2h 5s", "5 m")),
        *({"report": {"at": each}} for each in (1080, "08:00", ["08:00", 1200])),
        {"clusters": {"default": None}},
        {"access": {"grants": [{"channels": ["C12"], "namespaces": ["*"]}]}},
    ],
    ids=json.dumps,
)
def test_the_chart_takes_what_the_bot_takes(written: dict[str, Any]) -> None:
    build(SOCKET, written)
    jsonschema.Draft7Validator(of_config()).validate(written)


def test_the_chart_takes_the_example() -> None:
    tree = parse(EXAMPLE.read_text(encoding="utf-8"))
    del tree["http"], tree["store"]["data_dir"]
    jsonschema.Draft7Validator(of_config()).validate(tree)


def test_everything_wrong_is_told_at_once() -> None:
    lines = refusal({"SLACK_BOT_TOKEN": "xapp-1"}, {"rulez": 1, "http": {"port": "x"}})
    assert [line.split(":")[0] for line in lines] == [
        "SLACK_APP_TOKEN",
        "SLACK_BOT_TOKEN",
        "http.port",
        "rulez",
    ]


def test_a_secret_in_the_wrong_place_of_the_file_is_not_repeated() -> None:
    token = "xoxb-123456-s3cret"
    lines = refusal(SOCKET, {"http": {"port": token}, "log": {"level": token}, token: 1})
    assert "s3cret" not in "\n".join(lines)
    assert lines[0] == 'http.port: is "[redacted]"; write a whole number'


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    env = SOCKET | HTTP | {"REDIS_URL": "redis://:s3cret@h", "SLACK_BOT_TOKEN": "xoxb-s3cret"}
    assert "s3cret" not in repr(load(env))


UNREADABLE = [
    ("- a\n", "must hold a mapping; see config/example.yaml"),
    ("a: [1\n", "is no YAML; fix line 2, column 1: expected ',' or ']', but got '<stream end>'"),
    ("http: {port: 1}\nhttp: {port: 2}\n", "is no YAML; fix line 2: `http` stands twice"),
    ("a:\n- b: 1\n  b: 2\n", "is no YAML; fix line 3: `b` stands twice"),
    ("a: !!python/object:os.system x\n", "is no YAML; fix line 1, column 4: could not determine a constructor for the tag 'tag:yaml.org,2002:python/object:os.system'"),
    ("a: \x00\n", "is no YAML; fix it: a character that YAML does not allow"),
    ("a: \udce4\n", "is no text in UTF-8; save it as such"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "why"), UNREADABLE, ids=[u[1][:45] for u in UNREADABLE])
def test_a_file_that_cannot_be_used_says_where_and_why(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Misconfigured) as caught:
        load(SOCKET | {"VM_RESTORE_CONFIG": str(file)})
    assert str(caught.value) == f"VM_RESTORE_CONFIG: {file} {why}"


def test_an_empty_file_is_fine(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("# nothing yet\n", encoding="utf-8")
    settings = load(SOCKET | {"VM_RESTORE_CONFIG": str(tmp_path / "c.yaml")})
    assert settings.rules == Rules()


# --- What the documentation says ----------------------------------------------------------------


def flattened(tree: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The keys of the example, written as `describe` writes them, each with its value."""
    match tree:
        case dict() if prefix == "clusters":
            for value in tree.values():
                yield from flattened(value, "clusters.<name>")
        case dict() if prefix != "listen.channels":
            for key, value in tree.items():
                yield from flattened(value, f"{prefix}.{key}".removeprefix("."))
        case [dict(), *_]:
            yield from flattened(tree[0], f"{prefix}[]")
        case _:
            yield prefix, tree


def test_the_example_shows_every_setting_of_the_file_in_order_and_loads() -> None:
    shown = [key for key, _ in flattened(parse(EXAMPLE.read_text(encoding="utf-8")))]
    known = [row.key for row in describe() if not row.key.isupper()]
    assert sorted(shown) == sorted(known)
    settings = load(SOCKET | {"VM_RESTORE_CONFIG": str(EXAMPLE)})
    assert settings.default_cluster == "production"


def test_the_example_shows_the_defaults() -> None:
    """Apart from what stands for something of one's own: ids, names of clusters and namespaces."""
    own = {"default_cluster", "listen.channels"}
    defaults = {row.key: row.default for row in describe()}
    for key, value in flattened(parse(EXAMPLE.read_text(encoding="utf-8"))):
        if key in own or defaults[key] == "required" or key.startswith("access.grants[]"):
            continue
        written = json.dumps(value) if isinstance(value, list) else yaml.safe_dump(value)
        shown = "not set" if value in (None, []) else written.splitlines()[0]
        assert shown == defaults[key], key


def test_every_key_of_the_example_has_a_comment() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.match(r"\s*(- )?[a-z_]+:", line) and not re.search(r"production:|host:", line):
            assert "#" in lines[number - 1] + line, line


def test_every_setting_says_what_it_means() -> None:
    assert set(RULES) == set(Rules.model_fields)
    for row in describe():
        assert row.meaning.endswith((".", "?")), row.key


def test_the_page_of_the_configuration_has_every_setting() -> None:
    """`make settings` writes it anew."""
    text = configuration.PAGE.read_text(encoding="utf-8")
    assert configuration.page(text) == text
    assert [row.key for row in describe() if f"\n| `{row.key}` |" not in text] == []

"""One trace for each restore, over all replicas, and nothing in it that people wrote."""

import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bot import tracing
from bot.errors import Misconfigured
from tests.stories import acts
from tests.stories.conftest import SetStage


@pytest.fixture
def written() -> Iterator[InMemorySpanExporter]:
    """The spans of all bots of this process."""
    exporter = InMemorySpanExporter()
    tracing.set_up("", "0", exporter)
    yield exporter
    tracing.close()


async def test_a_restore_is_one_trace_from_the_typed_name_to_the_last_edit(
    stage_for: SetStage, written: InMemorySpanExporter
) -> None:
    """The bot is ended and started in the middle: another replica writes into the same trace."""
    stage = await stage_for()
    await acts.to_the_warning(stage)
    await stage.world.stop_bot()
    await stage.world.start_bot()
    await acts.type_name(stage)
    await acts.press_restore(stage)
    await stage.card(acts.RESTORED)
    await stage.world.quiet()
    spans = written.get_finished_spans()
    assert len({each.context.trace_id for each in spans if each.context}) == 1
    names = {each.name for each in spans}
    assert names >= {"round", "event", "slack chat.update", "kubernetes POST"}
    events = [dict(each.attributes or {})["event"] for each in spans if each.name == "event"]
    assert events == ["Typed", "Clicked"]
    created = [each for each in spans if each.name == "kubernetes POST"]
    rounds = {each.context.span_id for each in spans if each.name == "round" and each.context}
    assert {each.parent and each.parent.span_id for each in created} <= rounds
    everything = "".join(each.to_json() for each in spans)
    assert "pre-upgrade-snapshot" not in everything
    assert "xoxb" not in everything


async def test_an_error_is_told_by_its_type(written: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="secret"), tracing.span("round", "R1"):
        raise ValueError("secret")
    (span,) = written.get_finished_spans()
    assert dict(span.attributes or {})["error.type"] == "ValueError"
    assert "secret" not in span.to_json()


def test_without_the_packages_the_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(Misconfigured, match=r"pip install 'vm-restore-bot\[traces\]'"):
        tracing.set_up("http://localhost:4318/v1/traces", "0")

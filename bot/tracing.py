"""Optional traces (OpenTelemetry): one trace for each restore, over all replicas.

The id of the trace is made from the id of the restore, so that the replica that hears a click, the one that
acts and the one that edits the last card write into the same trace without telling each other. A span is
written for each event of a person, each round and, within them, each call of Slack and of a cluster. No
span has the words of a message, a token or the name of a snapshot. Where the settings name no address for them nothing is
imported and nothing is written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Final

from bot.errors import Misconfigured

_SCOPE: Final = "vm-restore-bot"
_state: dict[str, Any] = {}
"""The provider, once traces are on."""


def set_up(endpoint: str, version: str, exporter: Any = None) -> None:
    """Send spans to this OTLP address (http://…/v1/traces). `exporter` is for tests.

    Raises Misconfigured where the packages are missing.
    """
    try:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import (  # noqa: PLC0415
            BatchSpanProcessor,
            SimpleSpanProcessor,
        )

        if exporter is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                OTLPSpanExporter,
            )
    except ImportError as missing:
        raise Misconfigured(
            "traces.endpoint: the packages for it are missing; "
            "pip install 'vm-restore-bot[traces]', or leave it out"
        ) from missing
    named = {"service.name": _SCOPE, "service.version": version}
    provider = TracerProvider(resource=Resource.create(named))
    if exporter is not None:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    else:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    _state["provider"] = provider


def close() -> None:
    """Send what is still to be sent, for some seconds at most."""
    provider = _state.pop("provider", None)
    if provider is not None:
        provider.shutdown()


@contextmanager
def span(name: str, restore: str, **facts: str) -> Iterator[None]:
    """A part of the work on a restore. An exception that leaves it is told by its type alone."""
    if not _state:
        yield
        return
    parent = None if _inside() else _root(restore)
    with _written(name, parent, {"restore.id": restore, **facts}):
        yield


@contextmanager
def call(name: str, **facts: str) -> Iterator[None]:
    """A request to a far side. Outside the work on a restore it is no span."""
    if not _state or not _inside():
        yield
        return
    with _written(name, None, facts):
        yield


def _inside() -> bool:
    """Is there a span already that this one belongs to?"""
    return bool(_api().get_current_span().get_span_context().is_valid)


@contextmanager
def _written(name: str, parent: Any, facts: dict[str, str]) -> Iterator[None]:
    trace = _api()
    context = None if parent is None else trace.set_span_in_context(parent)
    tracer = _state["provider"].get_tracer(_SCOPE)
    # The text of an exception may quote what it failed on.
    quiet = {"record_exception": False, "set_status_on_exception": False}
    with tracer.start_as_current_span(name, context, attributes=facts, **quiet) as current:
        try:
            yield
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            raise


def _api() -> Any:
    """OpenTelemetry's own names; imported where traces are on."""
    from opentelemetry import trace  # noqa: PLC0415

    return trace


def _root(restore: str) -> Any:
    """The parent of all spans of a restore; nobody writes it."""
    trace = _api()
    digest = sha256(restore.encode()).digest()
    return trace.NonRecordingSpan(
        trace.SpanContext(
            trace_id=int.from_bytes(digest[:16], "big"),
            span_id=int.from_bytes(digest[16:24], "big"),
            is_remote=True,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        )
    )

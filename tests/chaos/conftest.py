"""The stage of the stories, for what chaos found and for single faults."""

from tests.stories.conftest import stage_for

__all__ = ["stage_for"]

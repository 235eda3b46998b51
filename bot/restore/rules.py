"""The settings in force for one restore, stored with it: a change of the settings changes none that lives."""

from enum import StrEnum

from pydantic import Field

from bot.restore.thread import Stored


class StopWhen(StrEnum):
    """When a live VM is stopped: right after the choice, or only after both confirmations."""

    CHOSEN = "chosen"
    CONFIRMED = "confirmed"


class VolumePolicy(StrEnum):
    """`spec.volumeRestorePolicy` of a VirtualMachineRestore."""

    RANDOMIZE_NAMES = "RandomizeNames"
    IN_PLACE = "InPlace"
    PREFIX_TARGET_NAME = "PrefixTargetName"


class Rules(Stored):
    """The settings in force when the restore was asked for; all durations in seconds."""

    stop_when: StopWhen = StopWhen.CHOSEN
    answer_timeout: int = Field(default=900, ge=30)
    stop_timeout: int = Field(default=300, ge=10)
    restore_timeout: int = Field(default=600, ge=10)
    safety_timeout: int = Field(default=600, ge=10)
    request_timeout: int = Field(default=60, ge=10)
    protect_by_default: bool = False
    volume_policy: VolumePolicy | None = None

"""The settings: what the environment and the YAML file say, checked, as one frozen tree."""

from bot.settings.loader import app_names, build, load
from bot.settings.schema import ClusterSettings, Settings

__all__ = ["ClusterSettings", "Settings", "app_names", "build", "load"]

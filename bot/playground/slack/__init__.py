"""A simulated Slack workspace, as strict as the real one.

`SlackSim` serves the Web API, Socket Mode and response URLs on loopback, or delivers signed HTTP
requests; `Person` does what people do. It follows what is known of Slack, never what our bot needs.
What is not covered is refused loudly.
"""

from bot.playground.slack.composer import Keyboard
from bot.playground.slack.gestures import Person
from bot.playground.slack.server import SlackSim
from bot.playground.slack.surfaces import NotPossible
from bot.playground.slack.web_api import COVERED

__all__ = ["COVERED", "Keyboard", "NotPossible", "Person", "SlackSim"]

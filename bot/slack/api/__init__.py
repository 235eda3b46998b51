"""Slack's Web API: the client, and who people and conversations are."""

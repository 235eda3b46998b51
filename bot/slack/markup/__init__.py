"""Slack's markup, both ways: untrusted text made safe, and typed text made plain."""

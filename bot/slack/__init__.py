"""Slack: what comes in (listeners, intake), what is shown (views), what goes out (cards, web)."""

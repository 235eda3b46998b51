"""What Slack sends: received, kept, acknowledged, and dispatched to a handler."""

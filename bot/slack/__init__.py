"""Slack: `inbound` receives, `handlers` act, `outbound` and `views` answer, `api` calls the Web API."""

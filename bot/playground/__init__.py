"""A simulated Slack, a simulated cluster and a clock: where people and tests try the real bot."""

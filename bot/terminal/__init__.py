"""The commands for the terminal that look at and change what the store has, also while Slack is down."""

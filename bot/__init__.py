"""A Slack bot that restores KubeVirt VMs from snapshots, and never without two confirmations."""

__version__ = "0.1.0"

"""The core: what a restore is and how it moves. Pure: no clock, no network, no randomness."""

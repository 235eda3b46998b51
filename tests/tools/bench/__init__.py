"""Benchmarks: the budgets of the product, measured on real processes over real sockets.

`make bench` prints the table and `make bench WRITE=1` puts it into docs/performance.md. The bot under
measurement is a process of its own; the simulators and the stopwatch are in this one. Absolute times
belong to the machine that is named with them; ratios come first.
"""

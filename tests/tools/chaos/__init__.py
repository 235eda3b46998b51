"""Chaos: random stories with random faults, judged when it is quiet again.

    python -m tests.tools.chaos --runs 1000 --seed 1

A run is a number. From it come a story (`plan`), what goes wrong meanwhile (`trouble`) and how long
each hesitation takes. The real bot plays it, one or two replicas (`crew`), on its own simulated Slack
and cluster and a real Redis, each replica behind wires of its own (`tests/tools/wires.py`). Then the
faults stop, time passes until nothing changes, and the far sides are asked what became of it
(`verdict`).

Times and choices depend on the number alone. What is not exactly repeatable is the order in which
the event loop gets to things that are ready at one moment: Redis is a process of its own. So a run
is repeated closely, not to the byte; a violation that does not come back at once is still a bug.
"""

"""A KubeVirt API server that runs in this process: what the demo and the tests talk to.

`KubeSim` in server.py is what users start. Each part of a control plane has a file: storage,
admission, authorization, watches, subresources, and a controller for each kind that moves by itself.
It behaves as a real control plane does and knows nothing of the bot. What it does not implement it
refuses loudly, and lists in `KubeSim.unknown`.
"""

"""The cluster: the only room that speaks to Kubernetes.

`Cluster` (cluster.py) is its door: observe, perform, catalog, watch. Rules of the room:
- Nobody else imports the kubernetes client, and nothing untyped leaves: what arrives is parsed into
  `bot.restore.observation` on the spot (parse.py, configuration.py).
- Failures are translated once (client.py) into Temporary or Permanent; an answer that says no
  becomes a Rejection, a fact that the core judges.
- It decides nothing about a restore and remembers nothing about one.
"""
